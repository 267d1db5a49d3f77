/**
 * Checks what the agent works with, for `barnacle doctor`: its models, MCP servers (T13), skills (T7)
 * and the sandbox of its commands (A3).
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { cutText, problemWithWords } from "../../core/mcp_state.ts";
import type { McpLook, McpView } from "../../mcp/look.ts";
import type { Skill } from "../../core/skills/skill.ts";
import { findSkillsOfAll } from "../../workspace/skill_library.ts";
import type { BotConfig } from "../../config/config.ts";
import type { Finding } from "../../core/finding.ts";
import { windowOf } from "../../core/model.ts";
import { judgeWindow } from "../../flows/preflight/model.ts";
import { PROGRAM_BOUNDS } from "../../host/limits/program_bounds.ts";
import { probeSandbox } from "../../exec/host_commands.ts";
import type { MemoryBound } from "../../lib/program_limits.ts";
import { printable } from "../../lib/text/quoted.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import { VERSION } from "../../version.ts";
import { windowSource } from "../model/exports.ts";
import { createModelCheck, findModel, type FoundModel } from "../../cli/models/model_settings.ts";
import type { Io } from "../../cli/terminal/io.ts";

/** Characters of a shown hash. */
const HASH_CHARS = 12;

/** Checks the models that `run` would use, without a question: each once. */
export async function checkModels(config: BotConfig, env: Io["env"]): Promise<readonly Finding[]> {
  const checks = new Map<string, () => Promise<Finding>>();
  for (const agent of config.agentList) {
    const found = await findModel(config, agent, env);
    const id = found.kind === "found" ? modelIdOf(found.settings) : found.problem.path;
    checks.set(id, () => checkFound(found));
  }
  return await Promise.all(Array.from(checks.values(), (check) => check()));
}

async function checkFound(found: FoundModel): Promise<Finding> {
  if (found.kind === "found") {
    const checked = await createModelCheck(found.settings)();
    if (checked.status !== "pass") return checked;
    const { text, window } = await abilitiesOf(found.settings);
    return { ...checked, why: `${checked.why}; ${text}`, ...window };
  }
  const { problem: { path: where, message: why, hint: fix } } = found;
  return { id: "config.model", what: "Model", status: "fail", where, why, fix };
}

/** The abilities of the model, as the config and its server tell them; and a window too small. */
async function abilitiesOf(settings: ModelSettings) {
  const { askAbilities } = await import("../../providers/about/abilities.ts");
  const told = await askAbilities(settings, { fetch, timeoutMs: 10_000, now: Date.now }) ?? {};
  const { tools, images, ...abilities } = { ...told, ...settings.abilities };
  const word = (has: boolean | undefined) => has === undefined ? "unknown" : has ? "yes" : "no";
  const window = windowOf(abilities);
  const from = windowSource(settings, told);
  const size = `${window.contextWindow} tokens (${from})`;
  return {
    text: `tools: ${word(tools)}, images: ${word(images)}, window: ${size}` +
      (tools === undefined ? " (`barnacle model test` finds out)" : ""),
    window: judgeWindow(window, from),
  };
}

/** Connects to the MCP servers of the config. Their code is loaded only then. */
export async function checkServers(
  config: BotConfig,
  dataDir: string,
): Promise<readonly Finding[]> {
  const [{ lookAtServers }, { mcpHostPorts, serversOf }] = await Promise.all([
    import("../../mcp/look.ts"),
    import("../../bot/mcp/ports.ts"),
  ]);
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const files = mcpHostPorts(() => config, dataDir, "doctor", quiet);
  const servers = serversOf(config, "operator");
  const findings = judgeServers(await lookAtServers(servers, { ...files, version: VERSION }));
  const bound = memoryFinding(PROGRAM_BOUNDS.memory(), "programs of MCP servers");
  const hasPrograms = servers.some(({ transport }) => transport.kind === "stdio");
  return hasPrograms && bound.status !== "pass"
    ? [...findings, { id: "mcp.limits", what: "Limits of MCP programs", ...bound }]
    : findings;
}

/** One finding per server, and one if programs have no sandbox. */
export function judgeServers({ servers, sandbox }: McpView): readonly Finding[] {
  const isOpen = servers.some((server) => server.sandbox === "no");
  return [
    ...servers.map(judgeServer),
    ...(isOpen && sandbox?.kind === "none"
      ? [
        {
          id: "mcp.sandbox",
          what: "MCP sandbox",
          status: "warn",
          why: `programs of MCP servers run as Barnacle's user, without a sandbox: ${
            printable(sandbox.why)
          }`,
          fix: "install bubblewrap (`bwrap`), and allow it user namespaces; or write " +
            '`"sandbox": "off"` for servers that you trust',
        } satisfies Finding,
      ]
      : []),
  ];
}

function judgeServer(look: McpLook): Finding {
  const about = {
    id: "mcp",
    what: `MCP server ${look.id}`,
    where: `mcp.servers.${look.id}`,
  } as const;
  if (look.problem !== undefined) {
    const fix = look.wantsSignIn
      ? `run \`barnacle mcp login ${look.id}\``
      : "correct the server's keys, or remove it from the config";
    const why = printable(problemWithWords(look.problem, look.said ?? []));
    return { ...about, status: "fail", why, fix };
  }
  const changes = linesOf(look);
  const isInside = look.sandbox === "yes" ? ["in a sandbox"] : [];
  const tools = `${look.tools} tools ${look.hash.slice(0, HASH_CHARS)}`;
  return {
    ...about,
    status: changes.length > 0 ? "warn" : "pass",
    why: [tools, ...isInside, ...changes].join("; "),
    fix: changes.length > 0
      ? `${
        /since the last look/.test(changes.join()) ? "read new descriptions: the model does. " : ""
      }\`${about.where}.allow\` ` +
        "chooses the tools"
      : undefined,
  };
}

function linesOf({ changes, cut = [] }: McpLook): readonly string[] {
  const changed = (["changed", "added", "removed"] as const).flatMap((what) =>
    !changes || changes[what].length === 0
      ? []
      : [`${what} since the last look: ${printable(changes[what].join(", "))}`]
  );
  return cut.length > 0 ? [printable(cutText(cut)), ...changed] : changed;
}

const SEEN_NAME = "skills-seen.json";

const seenSchema = z.record(z.string(), z.string());

/**
 * Finds invalid skills, and skills that have changed since the last look, and remembers their hashes.
 * Without the right to write into the data directory, each look counts as the first.
 */
export async function checkSkills(config: BotConfig, dataDir: string): Promise<readonly Finding[]> {
  const { skills, problems } = await findSkillsOfAll(config, dataDir);
  const path = join(dataDir, SEEN_NAME);
  const seen = readSeen(path);
  if (skills.length === 0 && problems.length === 0 && !seen) return [];
  remember(path, skills);
  const about = { id: "skills", what: "Skills" } as const;
  const changes = seen ? changesOf(seen, skills) : [];
  const all = skills.map(({ name, hash }) => `${name} ${hash.slice(0, HASH_CHARS)}`).join(", ");
  return [
    ...problems.map(({ file, reason }): Finding => ({
      ...about,
      status: "warn",
      where: file,
      why: `${printable(file)} cannot be used: ${printable(reason)}`,
      fix: "correct the file, or remove its folder",
    })),
    {
      ...about,
      status: changes.length > 0 ? "warn" : "pass",
      why: [all === "" ? "none" : all, ...changes].join("; "),
      fix: changes.length > 0 ? "look at the changes, unless you made them" : undefined,
    },
  ];
}

function changesOf(
  seen: Readonly<Record<string, string>>,
  skills: readonly Skill[],
): readonly string[] {
  const before = new Map(Object.entries(seen));
  const changed = skills.filter(({ name, hash }) => before.has(name) && before.get(name) !== hash);
  const added = skills.filter(({ name }) => !before.has(name));
  const gone = [...before.keys()].filter((name) => !skills.some((skill) => skill.name === name));
  const line = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what} since the last look: ${names.join(", ")}`];
  return [
    ...line("changed", changed.map(({ name }) => name)),
    ...line("added", added.map(({ name }) => name)),
    ...line("removed", gone),
  ];
}

function readSeen(path: string): Readonly<Record<string, string>> | undefined {
  try {
    return seenSchema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined; // the first look, or not ours to read
  }
}

function remember(path: string, skills: readonly Skill[]): void {
  const hashes = Object.fromEntries(skills.map(({ name, hash }) => [name, hash]));
  try {
    writeFileSync(path, `${JSON.stringify(hashes)}\n`, { mode: 0o600 });
  } catch {
    // no right to write there, or no directory yet
  }
}

/**
 * Tells how the memory of programs is limited here.
 *
 * @param programs The subject, in the plural.
 */
export function memoryFinding(
  bound: MemoryBound,
  programs: string,
): Pick<Finding, "status" | "why" | "fix"> {
  switch (bound) {
    case "group":
      return { status: "pass", why: "a control group limits their memory" };
    case "watch":
      return { status: "pass", why: "Barnacle watches their memory" };
    case "process":
      return {
        status: "warn",
        why: "only the memory of each process is limited, because this kernel does not tell the " +
          "children of a process",
        fix: `let Barnacle make control groups (\`Delegate=memory pids\`), so that ${programs} ` +
          "cannot take all memory",
      };
    case "none":
      return {
        status: "warn",
        why: "nothing limits their memory",
        fix: "install `prlimit` (util-linux), or run Barnacle on Linux",
      };
  }
}

/** Finds whether commands can run, if the config allows them. */
export async function checkExec(
  { exec }: Pick<BotConfig, "exec">,
  platform: string = process.platform,
): Promise<readonly Finding[]> {
  if (!exec) return [];
  const about = { id: "exec", what: "Commands on the host" } as const;
  if (platform === "win32") {
    const why = "no command runs on Windows, where Barnacle has no sandbox";
    return [{
      ...about,
      status: "fail",
      why,
      fix: "remove `exec`, or run the bot on Linux or in WSL",
    }];
  }
  const folder = mkdtempSync(join(tmpdir(), "barnacle-exec-"));
  try {
    const bwrap = await probeSandbox(folder, PROGRAM_BOUNDS);
    if (bwrap !== undefined) {
      const { status, why, fix } = memoryFinding(PROGRAM_BOUNDS.memory(), "commands");
      return [{ ...about, status, why: `they run in bubblewrap (${bwrap}); ${why}`, fix }];
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return exec.sandbox === "off"
    ? [{
      ...about,
      status: "warn",
      why: "bubblewrap does not work, so commands can read the bot's token and its data",
      fix: "install bubblewrap, and remove `exec.sandbox`",
    }]
    : [{
      ...about,
      status: "fail",
      why: "bubblewrap does not work, so no command runs",
      fix: "install bubblewrap, and run the bot outside the machine's systemd unit; or set " +
        '`exec.sandbox: "off"` and take the risk',
    }];
}
