import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Status numbers of gRPC. */
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;

/** What went wrong with Modal, in our words; never with the token. */
export function explainModalError(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (code === UNAUTHENTICATED || code === PERMISSION_DENIED || /\btoken\b|credential|AuthError/i.test(said)) {
    return new RuntimeError(
      "sandbox_credentials",
      `Modal refused the credentials (${said}). Check MODAL_TOKEN_ID and MODAL_TOKEN_SECRET: a token is made with "modal token new" or at https://modal.com/settings/tokens.`,
      { cause: error },
    );
  }
  return new RuntimeError(
    "sandbox_unavailable",
    `Modal cannot be reached (${said}). Check the network of this server, and try again later.`,
    { cause: error },
  );
}
