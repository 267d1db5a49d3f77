/** Toolboxes for tests, and an account that must not be used. */

import { z } from "zod";
import type { BotAccount } from "../../../src/account/account.ts";
import { createToolbox, type Toolbox } from "../../../src/flows/turn/toolbox.ts";
import { NO_SKILLS } from "../../../src/core/skills/skill.ts";
import type { Tool, ToolContext } from "../../../src/core/turn/tool.ts";
import type { AgentServices, ToolServices } from "../../../src/bot/process/tool_services.ts";
import { guildMessage } from "../discord/builders.ts";
import type { FakeClock } from "../fake_clock.ts";

/** An account that must not be used. */
export const NO_ACCOUNT = new Proxy({}, {
  get(_, name) {
    throw new Error(`This test has no account, and no ${String(name)}`);
  },
}) as BotAccount;

/** An account of a tool that uses nothing but files or the web. */
export const accountWith = (services: Partial<AgentServices>): BotAccount =>
  ({ bot: { toolServices: { of: () => services } } }) as unknown as BotAccount;

/** No tools, for accounts that run no turns. */
export const NO_TOOLS: ToolServices = {
  of: () => ({
    web: {
      page: () => Promise.reject(new Error("This test reads no web page")),
      file: () => Promise.reject(new Error("This test reads no file of the web")),
      search: () => Promise.reject(new Error("This test searches nothing")),
    },
    workspace: {
      read: () => Promise.reject(new Error("This test reads no file")),
      readBytes: () => Promise.reject(new Error("This test reads no file")),
      write: () => Promise.reject(new Error("This test writes no file")),
      list: () => Promise.reject(new Error("This test lists no files")),
    },
    commands: {
      resolve: () => Promise.reject(new Error("This test runs no command")),
      takePlace: () => Promise.reject(new Error("This test runs no command")),
      run: () => Promise.reject(new Error("This test runs no command")),
      stop: () => Promise.resolve(),
    },
    skills: { now: () => NO_SKILLS, read: () => Promise.resolve() },
  }),
  runCode: () => Promise.reject(new Error("This test runs no script")),
  runTool: () => Promise.reject(new Error("This test runs no tool of a skill")),
  fetchForTool: () => Promise.reject(new Error("This test asks no host")),
  servers: () => [],
  isRunning: () => false,
  tools: () => [],
  skillsRead: () => Promise.resolve(),
  ready: () => Promise.resolve(),
  apply: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};

/** Removes the secret of these tests. */
export const cleanSecrets = (text: string): string => text.replaceAll("hunter2", "[redacted]");

/** A tool that takes no arguments and does nothing. */
export const toolNamed = (name: string): Tool => ({
  name,
  description: name,
  input: z.strictObject({}),
  seenAt: "nowhere",
  needs: [],
  isIdempotent: true,
  run: () => Promise.resolve(""),
});

/** A toolbox that ends calls after a second, and leaves results as they are without a boundary. */
export function toolboxOf(
  tools: readonly Tool[],
  { schedule }: Pick<FakeClock, "schedule">,
  rules: Partial<Parameters<typeof createToolbox>[1]> = {},
  of: Partial<Parameters<typeof createToolbox>[2]> = {},
): Toolbox {
  const account = { schedule } as unknown as BotAccount;
  const all = { tools, toolTimeoutMs: 1_000, cleanSecrets, ...rules };
  return createToolbox(account, all, { askers: () => [], ...of });
}

/** The context of a call; its account fails, unless a test gives its own. */
export function toolContext(fields: Partial<ToolContext> = {}): ToolContext {
  return {
    account: NO_ACCOUNT,
    agentId: "main",
    message: guildMessage(),
    sessionKey: "agent:main:discord:channel:11",
    callKey: "1:call_1",
    signal: new AbortController().signal,
    ...fields,
  };
}
