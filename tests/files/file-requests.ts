import type { FileEntry } from "@hhopkins/agent-runtime-protocol";
import { API_KEY } from "../testing/runtime-under-test.ts";

/** Answers a request to the REST API. */
export type Fetch = (request: Request) => Promise<Response> | Response;

export interface FileRequests {
  put(id: string, path: string, bytes: string | Uint8Array<ArrayBuffer>): Promise<Response>;
  remove(id: string, path: string): Promise<Response>;
  read(id: string, path: string, seq?: number | "start"): Promise<Response>;
  list(id: string, seq?: number | "start"): Promise<FileEntry[]>;
}

/** Files of sessions by REST, with their raw bytes. */
export function fileRequests(base: string, fetch: Fetch): FileRequests {
  const ask = async (method: string, path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<Response> =>
    fetch(
      new Request(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${API_KEY}`,
          ...(body === undefined ? {} : { "content-type": "application/octet-stream" }),
        },
        ...(body === undefined ? {} : { body }),
      }),
    );
  const one = (id: string, path: string): string =>
    `/sessions/${id}/files/${path.split("/").map(encodeURIComponent).join("/")}`;
  const at = (seq: number | "start" | undefined): string => (seq === undefined ? "" : `?seq=${seq}`);
  return {
    put: (id, path, bytes) => ask("PUT", one(id, path), bytes),
    remove: (id, path) => ask("DELETE", one(id, path)),
    read: (id, path, seq) => ask("GET", `${one(id, path)}${at(seq)}`),
    async list(id, seq) {
      const response = await ask("GET", `/sessions/${id}/files${at(seq)}`);
      if (response.status !== 200) throw new Error(`list: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { files: FileEntry[] }).files;
    },
  };
}
