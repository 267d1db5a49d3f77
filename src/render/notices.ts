/**
 * Every sentence that Barnacle says in its own name, in one table.
 *
 * Not every server speaks English: `messages.texts.<key>` replaces a sentence.
 *
 * @module
 */

/** Words in braces are filled in. */
const TEXTS = {
  failure: "Something went wrong, and I have no answer. My operator finds why in the log: `{id}`.",
} as const;

/** `messages.texts`: what the operator would rather say. */
export type Texts = Readonly<Partial<Record<keyof typeof TEXTS, string>>>;

/** What is read in place of an answer when the turn failed; `id` finds the reason (R11). */
export function failureNotice(id: string, { failure = TEXTS.failure }: Texts): string {
  return failure.replaceAll("{id}", () => id);
}
