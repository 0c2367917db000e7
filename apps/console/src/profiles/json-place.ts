/** Where a value stands in a text. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * Where the value of a path (`skills.0.description`) stands in a JSON text, or of as much of the path as there is.
 * The text is one that `JSON.parse` takes.
 */
export function placeOf(text: string, path: string): Place {
  const wanted = path === "" ? [] : path.split(".");
  let at = 0;
  let [deepest, found]: [number, Place] = [-1, { start: 0, end: text.length }];
  const skip = (): void => {
    while (/\s/.test(text[at] ?? "")) at++;
  };
  const string = (): string => {
    const start = at++;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at++;
    return JSON.parse(text.slice(start, at)) as string;
  };
  /** Every member, or item, of what begins here. */
  const members = (close: string, depth: number | undefined): void => {
    at++;
    for (let index = 0; ; index++) {
      skip();
      if (text[at] === close) break;
      let name = String(index);
      if (close === "}") {
        name = string();
        skip();
        at++;
      }
      value(depth !== undefined && name === wanted[depth] ? depth + 1 : undefined);
      skip();
      if (text[at] === ",") at++;
    }
    at++;
  };
  /** `depth`: how much of the path led here; undefined: it leads elsewhere. */
  const value = (depth: number | undefined): void => {
    skip();
    const start = at;
    if (text[at] === "{") members("}", depth);
    else if (text[at] === "[") members("]", depth);
    else if (text[at] === '"') string();
    else while (at < text.length && !/[\s,\]}]/.test(text[at] ?? "")) at++;
    // Inner ones are done first: what is there already is nearer to what is wanted.
    if (depth !== undefined && depth > deepest) [deepest, found] = [depth, { start, end: at }];
  };
  value(0);
  return found;
}

/** The line of a place in a text, from 1 on. */
export function lineOf(text: string, { start }: Place): number {
  return text.slice(0, start).split("\n").length;
}
