/**
 * `barnacle approvals`: lists questions to people that are open, shows one whole, and decides those
 * that allow or deny (A4), with and without a running bot.
 */

import { printList } from "../shared/columns.ts";
import { ALLOW_ALWAYS, ALLOW_ONCE, DENY, type StoredQuestion } from "../../core/people/question.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { withVisibleCharacters } from "../../render/questions/card.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import { withStore } from "../shared/with_store.ts";
import type { Io } from "../terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";

/** Characters of a command in the list. */
const PREVIEW_CHARS = 80;

/** Lists open questions. */
export function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ questions }) => {
    const open = await questions.open(Date.now());
    return printList(open, "Nothing waits for a person.", flags, io, (all) => all.map(lineOf));
  });
}

/** Shows one open question whole, with the exact command. */
export function show(flags: CommonFlags, code: string, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async ({ questions }) => {
    const found = (await questions.open(Date.now())).find((one) =>
      one.code === code.trim().toUpperCase()
    );
    if (!found) return unknown(code, io);
    if (flags.json) {
      io.out(JSON.stringify(found));
      return EXIT.done;
    }
    const { question: { text, facts, exact }, expiresAt } = found;
    io.out(text);
    for (const { name, value } of facts) io.out(`${name}: ${value}`);
    if (exact !== undefined) io.out(withVisibleCharacters(exact));
    io.out(`expires ${timeText(expiresAt)}`);
    return EXIT.done;
  });
}

/** A decision of the operator. */
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

/** Decides approvals by their codes. */
export function decide(
  choice: OperatorChoice,
  flags: CommonFlags,
  codes: readonly string[],
  io: Io,
): Promise<ExitCode> {
  return withStore(flags, io, async ({ questions }) => {
    const decided: string[] = [];
    for (const code of codes) {
      const answer = { choice: CHOICES[choice] };
      const outcome = await questions.decide({ by: { code }, answer, now: Date.now() });
      if (outcome.kind === "decided") decided.push(outcome.question.code);
      else if (outcome.kind === "no_choice") {
        io.problem(`${outcome.question.code} cannot be ${DONE[choice]}`);
      } else unknown(code, io);
    }
    if (flags.json) io.out(JSON.stringify({ [choice]: decided }));
    else for (const code of decided) io.out(`${code} ${DONE[choice]}`);
    return decided.length === codes.length ? EXIT.done : EXIT.failed;
  });
}

function unknown(code: string, io: Io): ExitCode {
  io.problem(
    `${
      quoted(code)
    } is unknown, decided or expired; \`barnacle approvals list\` shows the open ones`,
  );
  return EXIT.failed;
}

/** `ABCDEFGH  approval    until 2026-11-27 09:00:00  exec  asks user:9  ["ls"]`. */
function lineOf({ code, expiresAt, question }: StoredQuestion): string {
  const { kind, tool, asked, exact, text } = question;
  const to = asked === "anyone" ? asked : asked.map((id) => `user:${id}`).join(",");
  return [
    code,
    kind.padEnd(10),
    `until ${timeText(expiresAt)}`,
    tool,
    `asks ${to}`,
    withVisibleCharacters((exact ?? text).slice(0, PREVIEW_CHARS)).replaceAll("\n", " "),
  ].join("  ");
}
