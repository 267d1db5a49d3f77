/**
 * Writes a held answer as a question to the people who check it, and its card (A5).
 *
 * The card shows the words of the asker, the messages as they would be posted, and the names of the
 * files. A longer draft is a file of the card, so that people can read all of it.
 */

import { type InboundMessage, isAtDiscord } from "../../core/inbound/inbound.ts";
import type { Frozen, OutboundFile } from "../../core/outbound/outbound.ts";
import type { ApprovalRules } from "../../core/people/approval.ts";
import { MAX_FIELD_CHARS } from "../../core/people/form.ts";
import {
  ALLOW_ONCE,
  ANSWER_SELF,
  DENY,
  FILL_IN,
  type Question,
  type StoredQuestion,
} from "../../core/people/question.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { messageLink } from "../../core/turn/decided_action.ts";
import { bounded } from "../../lib/text/cut.ts";
import { sizeOf } from "../../lib/text/units.ts";
import { textFile } from "../files.ts";
import { notice, type Texts } from "../notices/notices.ts";

/** An answer that waits for a person. */
export interface AnswerForReview {
  readonly message: InboundMessage;
  readonly agentId: string;
  readonly words: string;
  /** The answer without the lines around it, which people may edit. */
  readonly text: string;
  /** As it will be posted. */
  readonly outbox: readonly Frozen[];
  readonly why: string;
  readonly isAwaited: boolean;
}

/** Maximum UTF-16 units of a draft on its card. A longer one is a file. */
const MAX_SHOWN = 800;
/** Maximum UTF-16 units of the asker's words, which anyone may make long. */
const MAX_WORDS = 240;
/** Maximum UTF-16 units of each other part. */
const MAX_WHY = 220;
const MAX_FILES_TEXT = 160;

export function reviewQuestion(
  { message, agentId, words, text, outbox, why, isAwaited }: AnswerForReview,
  { people, channelId, timeoutMs }: ApprovalRules,
  owners: readonly UserId[],
  texts: Texts,
): Question {
  const { sender, guildId } = message;
  const files = outbox.flatMap(({ files }) => files)
    .map(({ name, bytes }) => `${name} (${sizeOf(bytes.length)})`);
  const where = isAtDiscord(message)
    ? `<#${message.channelId}> · <${messageLink(message)}>`
    : `<#${message.channelId}>`;
  const mayEdit = text.trim() !== "" && text.length <= MAX_FIELD_CHARS;
  const label = notice("draftText", {}, texts);
  return {
    kind: "review",
    tool: "draft",
    text: notice("reviewAsked", { why: bounded(why, MAX_WHY) }, texts),
    facts: [
      { name: "Who asks", value: `<@${sender.id}> (${sender.id})` },
      { name: "Where", value: where },
      ...files.length > 0
        ? [{ name: "Files", value: bounded(files.join(", "), MAX_FILES_TEXT) }]
        : [],
      ...outbox.length > 1 ? [{ name: "Messages", value: `${outbox.length}` }] : [],
    ],
    exact: outbox[0]?.whole ??
      outbox.map(({ message: { content } }) => content).filter(Boolean).join("\n"),
    choices: [
      { key: ALLOW_ONCE, label: notice("postDraft", {}, texts), style: "success" },
      ...mayEdit
        ? [{ key: FILL_IN, label: notice("editDraft", {}, texts), style: "primary" as const }]
        : [],
      { key: DENY, label: notice("discardDraft", {}, texts), style: "danger" },
      { key: ANSWER_SELF, label: notice("answerSelf", {}, texts), style: "secondary" },
    ],
    form: mayEdit
      ? {
        title: notice("editDraft", {}, texts),
        fields: [{ kind: "paragraph", label, isRequired: true, options: [], max: 1, value: text }],
      }
      : undefined,
    asked: [...new Set([...owners, ...people])],
    where: "direct",
    cardIn: guildId === undefined ? undefined : channelId,
    review: { words: bounded(words, MAX_WORDS), agentId, isAwaited },
    timeoutMs,
  };
}

/** The parts of the card between the heading and the last line. */
export function reviewBlocks(
  { question: { exact = "", review }, answer }: StoredQuestion,
  visible: (text: string) => string,
  texts: Texts,
): readonly string[] {
  const [edited] = answer?.fields ?? [];
  const draft = edited?.kind === "text" ? edited.text : exact;
  const isWhole = draft.length <= MAX_SHOWN;
  const shown = isWhole ? draft : closed(bounded(draft, MAX_SHOWN));
  const words = bounded(visible(review?.words ?? ""), MAX_WORDS);
  return [
    ...words === "" ? [] : [`\`\`\`\n${words}\n\`\`\``],
    notice("reviewDraft", {}, texts),
    ...shown === "" ? [] : [shown],
    ...isWhole || edited ? [] : [`-# ${notice("reviewFile", {}, texts)}`],
  ];
}

/** Ends a code block that was cut, or the rest of the card would be in it. */
function closed(text: string): string {
  const fences = text.match(/^\s*```/gm)?.length ?? 0;
  return fences % 2 === 0 ? text : `${text}\n\`\`\``;
}

/** The file of a card, with the whole draft; `undefined` if the card shows it. */
export function reviewFile({ kind, exact = "" }: Question): OutboundFile | undefined {
  return kind === "review" && exact.length > MAX_SHOWN ? textFile("draft.md", exact) : undefined;
}
