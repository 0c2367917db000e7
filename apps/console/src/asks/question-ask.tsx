import type { Ask } from "@hhopkins/agent-runtime-react";
import { Check } from "lucide-react";
import { useId, useState } from "react";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Input } from "../ui/input.tsx";
import type { Answering } from "./answering.ts";
import { DenyField } from "./deny-field.tsx";
import { answersOf, choose, chooseOther, NO_CHOICE, questionsOf, type Choice, type Question } from "./questions.ts";

/** One or more questions, with options and with one's own words. */
export function QuestionAsk({ ask, answering }: { readonly ask: Ask; readonly answering: Answering }) {
  const questions = questionsOf(ask.details);
  const [choices, setChoices] = useState<readonly Choice[]>(() => questions.map(() => NO_CHOICE));
  const answers = answersOf(questions, choices);
  return (
    <>
      <form
        id={`${ask.askId}-answers`}
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (answers !== undefined) answering.allow({ answers });
        }}
      >
        {questions.map((question, place) => (
          <QuestionField
            key={place}
            question={question}
            choice={choices[place] ?? NO_CHOICE}
            onChange={(choice) => setChoices((before) => before.map((one, at) => (at === place ? choice : one)))}
          />
        ))}
      </form>
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" form={`${ask.askId}-answers`} tone="accent" disabled={answers === undefined}>
          <Check /> Answer
        </Button>
        <DenyField answering={answering} label="Decline" />
      </div>
    </>
  );
}

interface QuestionFieldProps {
  readonly question: Question;
  readonly choice: Choice;
  readonly onChange: (choice: Choice) => void;
}

function QuestionField({ question, choice, onChange }: QuestionFieldProps) {
  const group = useId();
  const type = question.isMultiple ? "checkbox" : "radio";
  return (
    <fieldset className="m-0 min-w-0">
      <legend className="mb-1 flex items-center gap-2 text-sm font-medium">
        {question.header !== "" && <Badge>{question.header}</Badge>}
        {question.question}
        {question.isMultiple && <span className="font-normal text-muted">any of them</span>}
      </legend>
      {question.options.map(({ label, description }) => (
        <label key={label} className="flex items-start gap-2 rounded-md px-1.5 py-1 hover:bg-raised">
          <input
            type={type}
            name={group}
            className="mt-1 accent-(--accent)"
            checked={choice.chosen.includes(label)}
            onChange={() => onChange(choose(question, choice, label))}
          />
          <span className="min-w-0">
            {label}
            {description !== "" && <span className="block text-xs text-muted">{description}</span>}
          </span>
        </label>
      ))}
      <div className="flex items-center gap-2 px-1.5 py-1">
        <input
          type={type}
          name={group}
          aria-label="Something else"
          className="accent-(--accent)"
          checked={choice.other !== undefined}
          onChange={() => onChange(chooseOther(question, choice, choice.other === undefined ? "" : undefined))}
        />
        <Input
          aria-label={`Your own answer: ${question.question}`}
          placeholder="Something else"
          maxLength={10_000}
          value={choice.other ?? ""}
          onChange={({ target }) =>
            onChange(chooseOther(question, choice, target.value === "" ? undefined : target.value))
          }
        />
      </div>
    </fieldset>
  );
}
