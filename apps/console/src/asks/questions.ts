export interface Question {
  readonly question: string;
  readonly header: string;
  readonly isMultiple: boolean;
  readonly options: readonly { readonly label: string; readonly description: string }[];
}

/** What a person has chosen so far: labels, and what was written instead of them or beside them. */
export interface Choice {
  readonly chosen: readonly string[];
  /** Undefined: no text of one's own. */
  readonly other: string | undefined;
}

export const NO_CHOICE: Choice = { chosen: [], other: undefined };

/** The questions of an ask, out of its `details`; what is no question is left out. */
export function questionsOf(details: Readonly<Record<string, unknown>> | undefined): readonly Question[] {
  const questions: unknown = details?.["questions"];
  if (!Array.isArray(questions)) return [];
  return questions.filter(isObject).map(({ question, header, multiSelect, options }) => ({
    question: text(question),
    header: text(header),
    isMultiple: multiSelect === true,
    options: (Array.isArray(options) ? options : [])
      .filter(isObject)
      .map(({ label, description }) => ({ label: text(label), description: text(description) })),
  }));
}

export function choose({ isMultiple }: Question, { chosen, other }: Choice, label: string): Choice {
  if (!isMultiple) return { chosen: [label], other: undefined };
  return { chosen: chosen.includes(label) ? chosen.filter((one) => one !== label) : [...chosen, label], other };
}

/** `other`: undefined takes the text of one's own back. */
export function chooseOther({ isMultiple }: Question, { chosen }: Choice, other: string | undefined): Choice {
  return { chosen: isMultiple || other === undefined ? chosen : [], other };
}

/** The answers by the questions' texts; undefined as long as one of them lacks its answer. */
export function answersOf(
  questions: readonly Question[],
  choices: readonly Choice[],
): Readonly<Record<string, string | string[]>> | undefined {
  const answers: Record<string, string | string[]> = {};
  for (const [place, question] of questions.entries()) {
    const { chosen, other } = choices[place] ?? NO_CHOICE;
    const own = other?.trim();
    if (own === "") return undefined;
    const all = [...chosen, ...(own === undefined ? [] : [own])];
    const [first] = all;
    if (first === undefined) return undefined;
    answers[question.question] = question.isMultiple ? all : first;
  }
  return answers;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
