/**
 * `/approve`: decides commands that wait for an approver (A4).
 *
 * It decides the same rows as the buttons and `barnacle approvals`. As on a card, a person allows only
 * what Discord can show them whole.
 */

import type { BotAccount } from "../../account/account.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import { ALLOW_ALWAYS, ALLOW_ONCE, DENY, type StoredQuestion } from "../../core/people/question.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { tooLongToShow } from "../../render/sentences.ts";
import { isShown, settledContent, withVisibleCharacters } from "../../render/questions/card.ts";
import { choicesFor, type Command } from "../base/command.ts";

const WAITING = "These commands wait for your decision. To decide: `/approve <id> <decision>`";

/** Decisions, by the words that OpenClaw takes. */
const DECISIONS: ReadonlyMap<string, string> = new Map([
  ...["allow-once", "allow", "once"].map((word) => [word, ALLOW_ONCE] as const),
  ...["allow-always", "always"].map((word) => [word, ALLOW_ALWAYS] as const),
  ...["deny", "reject", "block"].map((word) => [word, DENY] as const),
]);

/** Lists the approvals that wait for the asker, and decides one. */
export const approve: Command = {
  name: "approve",
  description: "Allow or deny a command that waits for an approval",
  options: [
    {
      name: "id",
      description: "ID on the card",
      type: "text",
      suggest: async (typing, account) =>
        choicesFor(
          typing.typed.text,
          (await openFor(typing, account)).map((one) => ({
            name: `${one.code} · ${previewOf(one)}`,
            value: one.code,
          })),
        ),
    },
    {
      name: "decision",
      description: "Whether to allow it",
      type: "text",
      choices: [
        { name: "Allow once", value: "allow-once" },
        { name: "Always allow", value: "allow-always" },
        { name: "Deny", value: "deny" },
      ],
    },
  ],
  needs: "approver",
  isPrivate: true,
  inOrder: ordered,
  async run(call, account) {
    const { id, decision } = call.options;
    const open = await openFor(call, account);
    if (typeof id !== "string") return listOf(open);
    const code = id.trim().toUpperCase();
    const found = open.find((one) => one.code === code);
    const unknown = () =>
      `\`${bounded(code.replaceAll("`", "'"), 40)}\` is unknown, decided or expired.`;
    if (!found) return unknown();
    const choice = DECISIONS.get(String(decision));
    if (choice === undefined) return listOf([found]);
    if (choice !== DENY && !isShown(found.question)) {
      return tooLongToShow(code);
    }
    const { decideQuestion } = await import("../../flows/questions/cards.ts");
    const outcome = await decideQuestion(account, {
      accountId: call.accountId,
      by: { code },
      userId: call.sender.id,
      answer: { choice },
      now: account.now(),
    });
    switch (outcome.kind) {
      case "decided":
        account.log.info("An approval was decided by a command", {
          interactionId: call.id,
          code,
          choice,
          userId: call.sender.id,
        });
        return settledContent(outcome.question).text;
      case "no_choice":
        return `\`${code}\` can only be allowed once, or denied.`;
      default:
        return unknown();
    }
  },
};

/**
 * The words with the ID first and a decision of {@link approve}, since OpenClaw takes both orders and
 * more words.
 */
function ordered(words: string): string {
  const parts = words.trim().split(/\s+/, 3).map((part) => part.replace(/^(?:id|decision):/i, ""));
  const at = parts.findIndex((part) => DECISIONS.has(part.toLowerCase()));
  if (parts.length > 2 || at < 0) return words;
  const choice = DECISIONS.get(parts[at]?.toLowerCase() ?? "");
  const decision = choice === ALLOW_ONCE
    ? "allow-once"
    : choice === ALLOW_ALWAYS
    ? "allow-always"
    : "deny";
  return `${parts[1 - at] ?? ""} ${decision}`;
}

/** The open approvals that a person may decide. */
async function openFor(
  { accountId, sender }: CommandCall,
  { store: { questions }, now }: BotAccount,
): Promise<readonly StoredQuestion[]> {
  const open = await questions.open(now(), accountId);
  return open.filter(({ question: { kind, asked } }) =>
    kind === "approval" && (asked === "anyone" || asked.includes(sender.id))
  );
}

function listOf(open: readonly StoredQuestion[]): string {
  if (open.length === 0) return "No command waits for your decision.";
  const [only, second] = open;
  if (only && !second && isShown(only.question) && only.question.exact !== undefined) {
    return `${WAITING}\n\`${only.code}\`\n\`\`\`\n${
      withVisibleCharacters(only.question.exact)
    }\n\`\`\``;
  }
  const lines = open.slice(0, SHOWN).map((one) => `– \`${one.code}\` \`${previewOf(one)}\``);
  return [WAITING, ...lines].join("\n");
}

const SHOWN = 10;

/** The beginning of a command in one line, as code. */
function previewOf({ question: { exact, text } }: StoredQuestion): string {
  return bounded(
    withVisibleCharacters(exact ?? text).replaceAll("\n", " ").replaceAll("`", "'"),
    80,
  );
}
