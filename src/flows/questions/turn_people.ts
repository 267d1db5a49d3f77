/** Lets turns wait for people: stores their questions, and reads the decisions (A1, T10). */

import type { Account } from "../../core/account/account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { codeFrom } from "../../core/inbound/pairing.ts";
import type { AskedCall, Question } from "../../core/people/question.ts";
import type { TurnPeople } from "../turn/save_turn.ts";
import type { Step } from "../../core/step.ts";
import { costFactOf } from "../../render/cost.ts";
import type { Questions } from "../../store/questions/questions.ts";

const CODE_BYTES = 8;

export function createTurnPeople(
  options: Pick<Account, "now" | "draw"> & {
    /** Their questions need cards, and other turns may begin. */
    readonly parked: () => void;
    readonly questions: Pick<Questions, "park" | "decisionOf">;
    /** `models.currency`. */
    readonly currency: () => string | undefined;
    /** Cleans a text by the model as an answer to this message: secrets and links (R9). */
    readonly cleanText: (
      message: InboundMessage,
      text: string,
    ) => string;
  },
): TurnPeople {
  const { questions, draw, now } = options;

  /** Texts of a model get the cleaning of its answers. The exact command stays as it is. */
  function cleaned(
    { callKey, question }: AskedCall,
    message: InboundMessage,
  ) {
    const code = codeFrom(draw(CODE_BYTES));
    const clean = (text: string, of = message) => options.cleanText(of, text);
    // Discord shows no mentions on buttons, in menus and in forms.
    const label = (text: string) => clean(text, { ...message, names: {}, quoted: undefined });
    const { text, choices, facts, form } = question;
    const shown: Question = {
      ...question,
      text: clean(text),
      facts: facts.map(({ name, value }) => ({ name, value: clean(value) })),
      choices: choices.map((one) => ({ ...one, label: one.label && label(one.label) })),
      ...(form && { form: { title: label(form.title), label: label(form.label) } }),
    };
    return { callKey, question: shown, code };
  }

  return {
    decisionOf: questions.decisionOf,
    async park({ claim, asked, taken, charges }) {
      const all = asked.map((one) =>
        withCost(cleaned(one, claim.message), taken.steps, options.currency())
      );
      const steps = taken.unsaved;
      await questions.park({ claim, steps, charges, asked: all, now: now() });
      options.parked();
    },
  };
}

/** Shows people who decide about a call the cost of its turn. A question of the model has no cost. */
function withCost<Asked extends AskedCall>(
  asked: Asked,
  steps: readonly Step[],
  currency: string | undefined,
): Asked {
  const { question } = asked;
  const fact = question.kind === "ask" ? undefined : costFactOf(steps, currency);
  return fact ? { ...asked, question: { ...question, facts: [...question.facts, fact] } } : asked;
}
