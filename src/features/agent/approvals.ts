/**
 * `barnacle approvals`: lists questions to people that are open, shows one whole, decides those that
 * allow or deny (A4), and takes decisions back, with and without a running bot.
 */

import { changeRows, inColumns, printList } from "../../cli/shared/columns.ts";
import type { UserId } from "../../core/discord/ids.ts";
import {
  ALLOW_ALWAYS,
  ALLOW_ONCE,
  DENY,
  type Question,
  type StoredQuestion,
} from "../../core/people/question.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { withVisibleCharacters } from "../../render/questions/card.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { knownChannels, knownPeople } from "../../cli/verdict/named.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";
import type { Store } from "../../store/store.ts";

const PREVIEW_CHARS = 80;

export function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const open = await store.questions.open(Date.now());
    const accounts = await store.gateway.accountIds();
    const people = await knownPeople(store, accounts);
    const channels = await knownChannels(store, accounts);
    const nameOf = (id: UserId) => printable(people.get(id) ?? `user:${id}`);
    const placeOf = ({ channelId }: StoredQuestion) =>
      printable(channels.find(({ id }) => id === channelId)?.name ?? "direct messages");
    const linesOf = (all: typeof open) => all.map((one) => lineOf(one, placeOf(one), nameOf));
    return printList(open, "Nothing waits for a person.", flags, io, linesOf);
  });
}

/** Lists the decisions that count for later calls, too (A2). */
export function rules(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ questions }) => {
    const all = await questions.allRules();
    const linesOf = (listed: readonly (typeof all)[number][]) =>
      inColumns(listed.map(({ id, agentId, path, args, cwd }) => {
        const [word, what] = agentId === ""
          ? [args.includes(DENY) ? "denied" : "allowed", path]
          : ["allowed", JSON.stringify([path, ...args])];
        return [`${id}`, agentId || "skills", word, what, cwd];
      }));
    return printList(all, "No decision counts for later calls.", flags, io, linesOf);
  });
}

/** Takes rules back: the next call asks a person again. */
export function revoke(flags: CommonFlags, ids: readonly number[], io: Io): Promise<ExitCode> {
  const failed = (id: number) => `there is no rule ${id}; \`barnacle approvals rules\` lists them`;
  const words = { key: "revoked", done: "revoked", failed };
  const revoked = ({ questions }: Store) => changeRows(ids, questions.removeRule, words, flags, io);
  return withStore(flags, io, revoked);
}

/** Shows one open question whole, with the exact command. */
export function show(flags: CommonFlags, code: string, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ questions }) => {
    const found = (await questions.open(Date.now())).find((one) =>
      one.code === code.trim().toUpperCase()
    );
    if (!found) {
      io.problem(unknownText(code));
      return EXIT.failed;
    }
    if (flags.json) {
      io.out(JSON.stringify(found));
      return EXIT.done;
    }
    const { question: { text, facts, exact }, expiresAt } = found;
    io.out(text);
    for (const { name, value } of facts) io.out(`${name}: ${value}`);
    if (exact !== undefined) io.out(withVisibleCharacters(exact), { isWhole: true });
    io.out(`expires ${timeText(expiresAt)}`);
    return EXIT.done;
  });
}

export type OperatorChoice = "once" | "always" | "deny";

const CHOICES: Readonly<Record<OperatorChoice, string>> = {
  once: ALLOW_ONCE,
  always: ALLOW_ALWAYS,
  deny: DENY,
};

const DONE: Readonly<Record<OperatorChoice, string>> = {
  once: "allowed once",
  always: "allowed for good",
  deny: "denied",
};

/** The people who may decide, in words; `nameOf` names one of them. */
export function decidersText({ asked }: Question, nameOf: (id: UserId) => string): string {
  if (asked === "anyone") return "anyone there";
  return asked.map(nameOf).join(", ");
}

export function decide(
  choice: OperatorChoice,
  flags: CommonFlags,
  codes: readonly string[],
  io: Io,
): Promise<ExitCode> {
  return withStore(flags, io, async ({ questions }) => {
    const decided: string[] = [];
    for (const code of codes) {
      const outcome = await decideByCode(choice, code, questions);
      if ("problem" in outcome) io.problem(outcome.problem);
      else {
        decided.push(outcome.decided);
        if (!flags.json) io.out(outcome.text);
      }
    }
    if (flags.json) io.out(JSON.stringify({ [choice]: decided }));
    return decided.length === codes.length ? EXIT.done : EXIT.failed;
  });
}

/** Decides an approval by its code; else says why nothing has changed. */
export async function decideByCode(
  choice: OperatorChoice,
  code: string,
  questions: { readonly decide: Store["questions"]["decide"] },
): Promise<{ readonly decided: string; readonly text: string } | { readonly problem: string }> {
  const answer = { choice: CHOICES[choice] };
  const outcome = await questions.decide({ by: { code }, answer, now: Date.now() });
  switch (outcome.kind) {
    case "decided": {
      const { code: decided } = outcome.question;
      return { decided, text: `${decided} ${DONE[choice]}` };
    }
    case "no_choice":
      return { problem: `${outcome.question.code} cannot be ${DONE[choice]}` };
    default:
      return { problem: unknownText(code) };
  }
}

function unknownText(code: string): string {
  return `${
    quoted(code)
  } is unknown, decided or expired; \`barnacle approvals list\` shows the open ones`;
}

/** `ABCDEFGH  approval    until 2026-11-27 09:00:00  exec  in help  for ada  ["ls"]`. */
function lineOf(
  { code, expiresAt, question }: StoredQuestion,
  place: string,
  nameOf: (id: UserId) => string,
): string {
  const { kind, tool, exact, text } = question;
  return [
    code,
    kind.padEnd(10),
    `until ${timeText(expiresAt)}`,
    tool,
    `in ${place}`,
    `for ${decidersText(question, nameOf)}`,
    withVisibleCharacters((exact ?? text).slice(0, PREVIEW_CHARS)).replaceAll("\n", " "),
  ].join("  ");
}
