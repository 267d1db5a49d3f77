/**
 * Describes a poll, and Discord's announcement of its result, as text for a model (H9).
 *
 * Discord tells votes only of some messages: those of a channel's history, quoted ones, and ended
 * polls. A poll without counts is described without them, since unknown votes are not zero votes.
 *
 * @see {@link https://docs.discord.com/developers/resources/poll}
 * @module
 */

import type { ContentPayload } from "./payloads.ts";

/** Discord's type of the message that announces the result of a poll. */
export const POLL_RESULT = 46;

/** A poll of a message. */
export type Poll = NonNullable<ContentPayload["poll"]>;
/** An embed, such as the one of a result. */
export type Embed = NonNullable<ContentPayload["embeds"]>[number];
type Media = Poll["question"];

/** `"Tea? (yes: 3 votes / no: 1 vote; ended)"`, or `"Tea? (yes / no)"` without known votes. */
export function describePoll({ question, answers, allow_multiselect, results }: Poll): string {
  const counts = results?.answer_counts;
  const isEnded = results?.is_finalized === true;
  const isCounted = isEnded || counts?.some(({ count }) => count > 0);
  const shown = answers.flatMap(({ answer_id, poll_media }) => {
    const label = labelOf(poll_media);
    if (label === "") return [];
    const count = counts?.find(({ id }) => id === answer_id)?.count ?? 0;
    return [isCounted ? `${label}: ${votes(count)}` : label];
  });
  const facts = [
    shown.join(" / "),
    allow_multiselect ? "several answers allowed" : "",
    isEnded ? "ended" : "",
  ].filter(Boolean).join("; ");
  return [labelOf(question), facts && `(${facts})`].filter(Boolean).join(" ");
}

/**
 * The result in the embed of {@link POLL_RESULT}: `"ended: Tea? yes won with 3 of 4 votes"`.
 *
 * @returns `undefined` for any other embed.
 */
export function describePollResult({ type, fields = [] }: Embed): string | undefined {
  if (type !== "poll_result") return undefined;
  const field = (name: string) => fields.find((one) => one.name === name)?.value ?? "";
  const winner = labelOf({
    text: field("victor_answer_text"),
    emoji: { name: field("victor_answer_emoji_name") },
  });
  const total = Number(field("total_votes"));
  const most = Number(field("victor_answer_votes"));
  const result = winner !== ""
    ? `${winner} won with ${most} of ${votes(total)}`
    : most > 0
    ? `no single answer won: several have ${votes(most)} each, of ${total}`
    : "no one voted";
  return ["ended:", field("poll_question_text"), result].filter(Boolean).join(" ");
}

function labelOf({ text, emoji }: Media): string {
  return [emoji?.name, text].filter(Boolean).join(" ");
}

function votes(count: number): string {
  return count === 1 ? "1 vote" : `${count} votes`;
}
