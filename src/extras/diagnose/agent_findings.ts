/**
 * Checks what the agent works with, for `barnacle doctor`: its models, MCP servers (T13), skills (T7)
 * and the sandbox of its commands (A3).
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { cutText, problemWithWords } from "../../core/mcp_state.ts";
import type { McpLook, McpView } from "../../mcp/look.ts";
import { findSkillsOfAll } from "../../workspace/skill_library.ts";
import type { BotConfig } from "../../config/config.ts";
import type { Finding } from "../../core/finding.ts";
import { windowOf } from "../../core/model.ts";
import { judgeWindow } from "../../flows/preflight/model.ts";
import { PROGRAM_BOUNDS } from "../../host/limits/program_bounds.ts";
import { probeSandbox } from "../../exec/host_commands.ts";
import { printable } from "../../lib/text/quoted.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import { VERSION } from "../../version.ts";
import { windowSource } from "../model/exports.ts";
import { createModelCheck, findModel, type FoundModel } from "../../cli/models/model_settings.ts";
import type { Io } from "../../cli/terminal/io.ts";

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
  const { confine, logins, seen } = mcpHostPorts(() => config, dataDir, quiet);
  const servers = serversOf(config, "operator");
  return judgeServers(await lookAtServers(servers, { confine, logins, seen, version: VERSION }));
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

function judgeServer(
  { id, problem, said, wantsSignIn, tools, cut = [], sandbox }: McpLook,
): Finding {
  const about = { id: "mcp", what: `MCP server ${id}`, where: `mcp.servers.${id}` } as const;
  if (problem !== undefined) {
    const fix = wantsSignIn
      ? `run \`barnacle mcp login ${id}\``
      : "correct the server's keys, or remove it from the config";
    return { ...about, status: "fail", why: printable(problemWithWords(problem, said ?? [])), fix };
  }
  const why = `${tools} tools${sandbox === "yes" ? "; in a sandbox" : ""}`;
  if (cut.length === 0) return { ...about, status: "pass", why };
  const fix = `\`${about.where}.allow\` chooses the tools`;
  return { ...about, status: "warn", why: `${why}; ${printable(cutText(cut))}`, fix };
}

/** Finds skills that cannot be used. */
export async function checkSkills(config: BotConfig, dataDir: string): Promise<readonly Finding[]> {
  const { skills, problems } = await findSkillsOfAll(config, dataDir);
  if (skills.length === 0 && problems.length === 0) return [];
  const about = { id: "skills", what: "Skills" } as const;
  return [
    ...problems.map(({ file, reason }): Finding => ({
      ...about,
      status: "warn",
      where: file,
      why: `${printable(file)} cannot be used: ${printable(reason)}`,
      fix: "correct the file, or remove its folder",
    })),
    { ...about, status: "pass", why: skills.map(({ name }) => name).join(", ") || "none" },
  ];
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
      return [{ ...about, status: "pass", why: `they run in bubblewrap (${bwrap})` }];
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
