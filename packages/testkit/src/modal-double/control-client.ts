import {
  type ControlRequest,
  type ModalDoubleFault,
  type ModalDoubleReport,
  modalDoubleFaultSchema,
  reportSchema,
} from "./control-schema.ts";

/** What a test can do to the double while it runs. */
export interface ModalDoubleControl {
  /** Lets something go wrong, see `ModalDoubleFault`. Faults of one kind are met in the order in which they were asked for. */
  inject(fault: ModalDoubleFault): Promise<void>;
  /** Takes back the faults that have not passed. */
  clear(): Promise<void>;
  /** Ends the sandbox, and nobody knows its id any more. */
  vanish(sandboxId: string): Promise<void>;
  /** Every stream of stdout or stderr that is open now breaks with UNAVAILABLE. */
  breakStreams(): Promise<void>;
  /** The token pair is refused, until it is given back with `false`. */
  revokeCredentials(revoked: boolean): Promise<void>;
  /** How long the tokens are good that the double gives out from now on. */
  setTokenLifetime(seconds: number): Promise<void>;
  report(): Promise<ModalDoubleReport>;
}

export function connectToControl(url: string): ModalDoubleControl {
  const send = async (request: ControlRequest): Promise<unknown> => {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(request) });
    if (!response.ok) throw new Error(`The Modal double: ${await response.text()}`);
    return response.json();
  };
  const tell = async (request: ControlRequest): Promise<void> => void (await send(request));
  return {
    inject: async (fault) => tell({ do: "inject", fault: modalDoubleFaultSchema.parse(fault) }),
    clear: () => tell({ do: "clear" }),
    vanish: (sandboxId) => tell({ do: "vanish", sandboxId }),
    breakStreams: () => tell({ do: "break-streams" }),
    revokeCredentials: (revoked) => tell({ do: "revoke-credentials", revoked }),
    setTokenLifetime: (seconds) => tell({ do: "token-lifetime", seconds }),
    report: async () => reportSchema.parse(await send({ do: "report" })),
  };
}
