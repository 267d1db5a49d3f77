/** `barnacle skill`: reads the tools of skills as a bot would, and runs one of them (T7a). */

import { z } from "zod";
import { skillHosts } from "../../bot/process/tool_services.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { inColumns, printList } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { withData } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { registerSecrets } from "../../config/secrets.ts";
import type { SkillSet } from "../../core/skills/skill.ts";
import { inputOf, type RunTool, type SkillTool } from "../../core/skills/skill.ts";
import { runSkillTool, type SkillRunParts } from "../../flows/tools/skill_tools.ts";
import { JOB_WORKER_URL, ownCommand, runtimeEnv } from "../../host/process/own_process.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import { parseForeignJson, printable, quoted } from "../../lib/text/quoted.ts";
import { createJobs } from "../../sandbox/jobs.ts";
import { VERSION } from "../../version.ts";
import { fetchDeclared } from "../../web/declared_fetch.ts";
import { findSkillsOfAll, withTools as readTools } from "../../workspace/skills.ts";

export async function check(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return await withTools(flags, io, ({ tools, problems }) => {
    const rows = tools.map(({ id, hash, head }) => ({ tool: id, hash, ...head }));
    const linesOf = (listed: readonly (typeof rows)[number][]) =>
      inColumns(listed.map(({ tool, hash, hosts, tools, readOnly }) => {
        const reach = [...hosts, ...tools].join(", ") || "no hosts, no tools";
        return [tool, hash.slice(0, 12), readOnly ? "reads" : "may change things", reach];
      }));
    printList(rows, "There are no tools.", flags, io, linesOf);
    for (const { file, reason } of problems) io.problem(printable(`${file}: ${reason}`));
    return Promise.resolve(problems.length === 0 ? EXIT.done : EXIT.failed);
  });
}

export async function test(
  flags: CommonFlags,
  name: string,
  written: string | undefined,
  io: Io,
): Promise<ExitCode> {
  return await withTools(flags, io, async ({ loaded, tools, problems, runTool }) => {
    const [tool, other] = tools.filter(({ id }) => id === name || id.endsWith(`/${name}`));
    if (!tool || other) {
      for (const { file, reason } of problems) io.problem(printable(`${file}: ${reason}`));
      const why = `${other ? "several tools have" : "no tool has"} the name ${quoted(name)}`;
      io.problem(`${why}; there are: ${tools.map(({ id }) => id).join(", ") || "none"}`);
      return EXIT.failed;
    }
    const given = parseForeignJson(written ?? "{}");
    const input = inputOf(tool).safeParse(given);
    if (!input.success) {
      const why = given === undefined ? "it is not JSON" : z.prettifyError(input.error);
      io.problem(`the input does not fit: ${why}`);
      return EXIT.usage;
    }
    const { add: addSecret, clean: cleanSecrets } = createRedactor();
    registerSecrets(loaded, io.env, { addSecret });
    const about = { hosts: skillHosts(loaded.config), version: VERSION };
    const fetch: SkillRunParts["fetch"] = (...request) => fetchDeclared(...request, about);
    const { signal } = new AbortController();
    const loud: RunTool = async (...job) => { // a tool that fails has written, too
      const ran = await runTool(...job);
      if (ran.output !== "") io.err(ran.output);
      return ran;
    };
    try {
      const parts = { runTool: loud, cleanSecrets, fetch };
      const text = await runSkillTool(tool, input.data, parts, { signal });
      io.out(flags.json ? JSON.stringify({ result: text }) : text, { isWhole: true });
      return EXIT.done;
    } catch (error) {
      io.problem(printable(error instanceof Error ? error.message : String(error)));
      return EXIT.failed;
    }
  });
}

function withTools(
  flags: CommonFlags,
  io: Io,
  work: (read: {
    readonly loaded: LoadedConfig;
    readonly runTool: RunTool;
    readonly tools: readonly SkillTool[];
    readonly problems: SkillSet["problems"];
  }) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withData(flags, io, async ({ dataDir }) => {
    const loaded = await readConfig(await configBefore(flags, io), io.env, true);
    if (tellRefused(loaded, io)) return EXIT.config;
    for (const { path, message } of loaded.problems) {
      if (path.startsWith("skills.hosts")) io.problem(printable(`${path}: ${message}`));
    }
    const found = await findSkillsOfAll(loaded.config, dataDir);
    const runTool = createJobs(JOB_WORKER_URL, { ...ownCommand(), env: runtimeEnv() }).sandboxed;
    const { skills, problems } = await readTools(found, runTool);
    const tools = skills.flatMap((one) => one.tools ?? []);
    return await work({ loaded, runTool, tools, problems });
  });
}
