/** Why a session is not moving, in one line; nothing while it moves or has nothing to do. */
export function WaitingLine(_: { readonly sessionId: string }) {
  return null;
}
