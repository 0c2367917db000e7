/** What a session is called where it has no name: the beginning of its id, which no other one near it has. */
export function nameOf({
  name,
  sessionId,
}: {
  readonly name?: string | undefined;
  readonly sessionId: string;
}): string {
  const shown = name?.trim() ?? "";
  return shown === "" ? `Session ${sessionId.slice(0, 8)}` : shown;
}
