/**
 * `barnacle agents show`: prints the system prompt of an agent (S6), or which of several agents
 * answers where (N2).
 */

import { agentInstructions } from "../../bot/rules/turn_rules.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import { createInstructionFiles } from "../../host/files/instruction_files.ts";
import { wordsOfCode } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import { printable, quoted } from "../../lib/text/quoted.ts";
import { systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { assertNamedData, configBefore, useData } from "../../cli/shared/find_data.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import { readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";
import { whichAccount } from "../../cli/shared/which_account.ts";
import { answerRows } from "./who_answers.ts";
import type { Config } from "../../config/config.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Prints the prompt. What cannot be used of the files is on stderr. */
export async function show(
  flags: AccountFlags,
  agentId: string | undefined,
  io: Io,
): Promise<ExitCode> {
  const loaded = await readConfigLeniently(await configBefore(flags, io), io.env); // it asks no one
  if (tellRefused(loaded, io)) return EXIT.config;
  await assertNamedData(flags.data, io);
  const { agentList } = loaded.config;
  if (agentId === undefined && agentList.length > 1) {
    showAnswers(whichAccount(loaded.config, flags.account), flags, io);
    return EXIT.done;
  }
  const agent = agentId === undefined ? agentList[0] : agentList.find(({ id }) => id === agentId);
  if (!agent) {
    const known = agentList.map(({ id }) => quoted(id)).join(", ");
    io.problem(`There is no agent ${quoted(agentId ?? "")}; the config has ${known}`);
    return EXIT.usage;
  }
  const config = whichAccount(loaded.config, flags.account);
  const { dataDir } = await useData(flags.data, io);
  const folder = workspaceOf(config, agent, dataDir);
  const files = createInstructionFiles(() => folder, {
    warn: (what, facts) => io.problem(inWords(what, facts)),
  }).read();
  const hasNoSearch = loaded.config.search === undefined &&
    Object.keys(loaded.config.mcp.servers).length === 0;
  const prompt = systemPromptOf({
    ...agentInstructions(config, agent),
    files,
    hasTools: true,
    ...(hasNoSearch && { hasNoSearch }),
  });
  if (flags.json) {
    io.out(JSON.stringify({
      agent: agent.id,
      workspace: folder,
      files: files.map(({ name, text }) => ({ name, characters: text.length })),
      prompt,
    }));
  } else io.out(prompt);
  return EXIT.done;
}

/** A warning of the log as a person reads it: which file, and why. */
function inWords(what: string, facts: Parameters<Log["warn"]>[1] = {}): string {
  const { path, error, maxCharacters } = facts;
  const why = error === undefined
    ? `${String(maxCharacters)} characters`
    : wordsOfCode(error) ?? (error instanceof Error ? error.message : "unknown reason");
  return `${what}: ${printable(String(path))}: ${why}`;
}

/** Prints a table of places and agents. */
function showAnswers(
  { agentList, discord: { accountId, access } }: Config,
  { json }: AccountFlags,
  io: Io,
): void {
  const rows = answerRows(access, accountId);
  if (json) return io.out(JSON.stringify(rows));
  const ids = agentList.map(({ id }) => id);
  const cells = rows.map(({ place, answers, isClosed, overlaps, watches }) => [
    place,
    ...ids.map((id) =>
      id === answers
        ? isClosed ? "closed" : "answers"
        : overlaps.includes(id)
        ? "overlap"
        : watches.includes(id)
        ? "watches"
        : "-"
    ),
  ]);
  printLines(inColumns([["PLACE", ...ids], ...cells]), io);
  io.out("");
  io.out("A message that names an agent, and a thread of an agent's answer, go to that agent.");
  if (rows.some(({ overlaps }) => overlaps.length > 0)) {
    io.out("overlap: the agent has this place, too, but another goes first.");
  }
  if (rows.some(({ watches }) => watches.length > 0)) {
    io.out("watches: the agent is passive: it acts on its triggers only.");
  }
  if (rows.some(({ isClosed }) => isClosed)) {
    io.out("closed: no one may talk to the bot there");
  }
  io.out(`Prompt of one agent: barnacle agents show ${ids[0] ?? "main"}`);
}
