/** Colours, cursors, titles and links of terminals: ECMA-48's control sequences. */
const SEQUENCES =
  // oxlint-disable-next-line eslint/no-control-regex -- they are what is looked for
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])|\u009b[0-?]*[ -/]*[@-~]/g;
// oxlint-disable-next-line eslint/no-control-regex -- as above
const OTHERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** What a program printed, as text: without what only tells terminals something, each line as it was last written. */
export function terminalText(text: string): string {
  const plain = text.replace(SEQUENCES, "").replaceAll("\r\n", "\n");
  return plain.split("\n").map(lastWritten).join("\n").replace(OTHERS, "");
}

/** A program that shows its progress goes back to a line's beginning. */
function lastWritten(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf("\r") + 1);
}
