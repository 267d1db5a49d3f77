/** Toolboxes for tests, and ports of tools that must not be used. */

import assert from "node:assert/strict";
import { z } from "zod";
import type { BotAccount } from "../../../src/account/account.ts";
import { createToolbox, type Toolbox } from "../../../src/agent/toolbox.ts";
import { NO_SKILLS } from "../../../src/core/skills/skill.ts";
import type { Tool, ToolContext, ToolPorts } from "../../../src/core/turn/tool.ts";
import type { ToolServices } from "../../../src/bot/rules/tool_services.ts";
import { guildMessage } from "../discord/builders.ts";
import type { FakeClock } from "../fake_clock.ts";

/** Ports that fail. A test replaces the part that it uses. */
export const UNUSED_PORTS: ToolPorts = {
  questions: {
    askTimeoutMs: () => 60_000,
  },
  exec: {
    question: () => Promise.resolve(undefined),
    run: () => Promise.reject(new Error("This test runs no command")),
  },
  discord: {
    send: () => Promise.reject(new Error("This test sends nothing")),
    read: () => Promise.reject(new Error("This test reads no messages")),
    readOne: () => Promise.reject(new Error("This test reads no message")),
    addReaction: () => Promise.reject(new Error("This test adds no reaction")),
    removeReaction: () => Promise.reject(new Error("This test removes no reaction")),
    edit: () => Promise.reject(new Error("This test edits nothing")),
    openThread: () => Promise.reject(new Error("This test opens no thread")),
    openPost: () => Promise.reject(new Error("This test opens no post")),
    inChannel: () => Promise.reject(new Error("This test acts in no channel")),
    inGuild: () => Promise.reject(new Error("This test acts on no server")),
    isSeenByOthers: () => Promise.reject(new Error("This test has no place")),
    readers: {
      reading: () => assert.fail("This test asks no one"),
      acting: () => assert.fail("This test asks no one"),
    },
    limit: { question: () => Promise.resolve(undefined) },
    setPresence: () => Promise.reject(new Error("This test sets no status")),
    undo: { undo: () => Promise.reject(new Error("This test undoes nothing")) },
  },
  history: {
    read: () => Promise.reject(new Error("This test reads no history")),
    summarise: () => Promise.reject(new Error("This test summarises nothing")),
  },
  voice: () => Promise.reject(new Error("This test joins no voice channel")),
  recall: { recall: () => Promise.reject(new Error("This test recalls nothing")) },
  code: { run: () => Promise.reject(new Error("This test runs no script")) },
  draw: { draw: () => Promise.reject(new Error("This test draws nothing")) },
  web: {
    page: () => Promise.reject(new Error("This test reads no web page")),
    file: () => Promise.reject(new Error("This test reads no file of the web")),
    search: () => Promise.reject(new Error("This test searches nothing")),
  },
  files: {
    forPeople: () => Promise.reject(new Error("This test sends no file")),
    read: () => Promise.reject(new Error("This test reads no file")),
  },
  memory: {
    save: () => Promise.reject(new Error("This test saves no note")),
    search: () => Promise.reject(new Error("This test searches no notes")),
    update: () => Promise.reject(new Error("This test changes no note")),
    remove: () => Promise.reject(new Error("This test deletes no note")),
  },
  skills: {
    read: () => Promise.reject(new Error("This test has no skills")),
    question: () => Promise.resolve(undefined),
    run: () => Promise.reject(new Error("This test runs no tool of a skill")),
  },
  workspace: {
    read: () => Promise.reject(new Error("This test reads no file")),
    readBytes: () => Promise.reject(new Error("This test reads no file")),
    write: () => Promise.reject(new Error("This test writes no file")),
    list: () => Promise.reject(new Error("This test lists no files")),
  },
  threads: { open: () => Promise.reject(new Error("not used")) },
};

/** An account that must not be used. */
export const NO_ACCOUNT = new Proxy({}, {
  get(_, name) {
    throw new Error(`This test has no account, and no ${String(name)}`);
  },
}) as BotAccount;

/** No tools, for accounts that run no turns. */
export const NO_TOOLS: ToolServices = {
  of: () => ({
    ports: UNUSED_PORTS,
    commands: {
      resolve: () => Promise.reject(new Error("This test runs no command")),
      takePlace: () => Promise.reject(new Error("This test runs no command")),
      run: () => Promise.reject(new Error("This test runs no command")),
      start: () => Promise.reject(new Error("This test runs no command")),
      poll: () => undefined,
      kill: () => false,
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

/** A toolbox that leaves results as they are, and ends calls after a second. */
export function toolboxOf(
  tools: readonly Tool[],
  { schedule }: Pick<FakeClock, "schedule">,
): Toolbox {
  return createToolbox(tools, {
    timeoutMs: 1_000,
    schedule,
    cleanSecrets,
    fence: (result) => result,
    missingRight: () => Promise.resolve(undefined),
  });
}

/** The context of a call; its ports fail, unless a test gives its own. */
export function toolContext(fields: Partial<ToolContext> = {}): ToolContext {
  return {
    account: NO_ACCOUNT,
    agentId: "main",
    ports: UNUSED_PORTS,
    message: guildMessage(),
    sessionKey: "agent:main:discord:channel:11",
    callKey: "1:call_1",
    signal: new AbortController().signal,
    ...fields,
  };
}
