/**
 * Declines questions that servers put to people ("elicitation"), and tells the model about them.
 *
 * Barnacle does not offer elicitation to servers. One that asks all the same gets an answer, so that
 * its tool does not wait. The model can ask the person itself.
 *
 * @module
 */

/** A question of a server, as the library passes it on. */
export interface Question {
  /** Its text. */
  readonly params: { readonly message: string };
}

/** Declined questions. */
export interface DeclinedQuestions {
  /** A line for the model about each question since the last time. */
  taken(): readonly string[];
}

/** Maximum UTF-16 units of a question, and the number of questions to remember. */
const MAX_CHARS = 500;
const MAX_QUESTIONS = 5;

/**
 * Declines questions.
 *
 * @param register Gets the function that answers each question.
 */
export function declineQuestions(
  register: (decline: (question: Question) => { readonly action: "decline" }) => void,
): DeclinedQuestions {
  let asked: string[] = [];
  register(({ params: { message } }) => {
    if (asked.length < MAX_QUESTIONS) asked.push(message.slice(0, MAX_CHARS).toWellFormed());
    return { action: "decline" };
  });
  return {
    taken() {
      const lines = asked.map((question) =>
        `[the server asked: ${JSON.stringify(question)}. Servers cannot ask people here, so the ` +
        "question was declined. Ask the person, and call the tool again with the answer.]"
      );
      asked = [];
      return lines;
    },
  };
}
