// It runs in the page; tests have no types of that.
interface Area {
  readonly value: string;
  readonly selectionStart: number;
  readonly selectionEnd: number;
}

/** What is selected in a text field. */
export function selectedText(area: unknown): string {
  const { value, selectionStart, selectionEnd } = area as Area;
  return value.slice(selectionStart, selectionEnd);
}
