/**
 * Runs tools of skills (T7a): with the hosts and tools of their header, once an owner has confirmed
 * exactly this version of the file.
 */

import { skillsIn } from "../turn/turn_rules.ts";
import { z } from "zod";
import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets } from "../../account/per_account.ts";
import { ALLOW_ONCE, type Decision, DENY, type Question } from "../../core/people/question.ts";
import {
  badArguments,
  RefusedCall,
  type ToolContext,
  UnknownOutcomeError,
} from "../../core/turn/tool.ts";
import type { RunTool, SkillTool } from "../../core/skills/skill.ts";
import { askerFacts } from "../../core/turn/discord_place.ts";
import { clip } from "../../lib/text/quoted.ts";
import { readSkillFile } from "../../workspace/skills.ts";
import type { DeclaredRequest } from "../../web/declared_fetch.ts";
import { ownersToTell } from "../owners/owner_ids.ts";

/** Milliseconds of a call with its requests. */
const TOOL_MS = 10_000;

const fetchArgs = z.lazy(() =>
  z.tuple([
    z.string().max(4_000),
    z.object({
      method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).default("GET"),
      headers: z.record(z.string(), z.string()).default({}),
      body: z.string().max(100_000).optional(),
    }),
  ])
);
const callArgs = z.lazy(() => z.tuple([z.string(), z.record(z.string(), z.unknown())]));

/** Everything that a run needs from outside. */
export interface SkillRunParts {
  readonly runTool: RunTool;
  /** Sends a request to one of some origins, with the config's headers. */
  readonly fetch: (
    request: DeclaredRequest,
    origins: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly body: string }>;
  /** A server may repeat the config's headers in its answer. */
  readonly cleanSecrets: (text: string) => string;
}

/** Runs a tool. @returns Its result. @throws As {@link runSkill} does. */
export async function runSkillTool(
  { id, file, source, head: { hosts, tools, readOnly } }: SkillTool,
  input: unknown,
  { runTool, fetch: send, cleanSecrets }: SkillRunParts,
  { signal, callTool, message }: Partial<ToolContext> & { readonly signal: AbortSignal },
): Promise<string> {
  const called = new Set<string>();
  const asked: Promise<unknown>[] = [];
  const stop = new AbortController();
  let mayHaveChanged = false;

  async function answer(kind: string, args: readonly unknown[]): Promise<unknown> {
    if (kind === "call") {
      const [name, given] = read(callArgs, args);
      if (!tools.includes(name)) throw new Error(`the header does not declare the tool ${name}`);
      if (!callTool) throw new Error(`${name} can be called in a turn only`);
      called.add(name);
      mayHaveChanged = true;
      return await callTool(name, given);
    }
    const [url, request] = read(fetchArgs, args);
    const isRead = request.method === "GET";
    if (readOnly && !isRead) throw new Error(`the header says readOnly: no ${request.method}`);
    mayHaveChanged ||= !isRead;
    const answered = await send({ ...request, url }, hosts, AbortSignal.any([signal, stop.signal]));
    return { ...answered, body: cleanSecrets(answered.body) };
  }

  const job = {
    kind: "tool",
    source,
    file,
    input: JSON.stringify(input),
    timeoutMs: TOOL_MS,
  } as const;
  const { value, failure } = await runTool(job, signal, message?.sender.id, (...request) => {
    const answered = answer(...request);
    asked.push(answered);
    return answered;
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    return { value: undefined, failure: error instanceof Error ? error.message : String(error) };
  });
  if (failure !== undefined) stop.abort();
  await Promise.allSettled(asked); // a script may end before its requests
  if (failure !== undefined) {
    throw new (mayHaveChanged ? UnknownOutcomeError : Error)(`the tool ${id} failed: ${failure}`);
  }
  const about = called.size > 0 ? `[called ${[...called].join(", ")}]\n` : "";
  return `${about}${value || "The tool has ended without a result."}`;
}

function read<Args extends z.ZodType>(schema: Args, args: readonly unknown[]): z.output<Args> {
  const found = schema.safeParse(args);
  if (found.success) return found.data;
  throw new Error(z.prettifyError(found.error));
}

/** Decisions are rules of no agent, so no command of the tool `exec` sees them. */
const NO_AGENT = "";

/** The owners' choice about this version of a file. Of two, on cards of two people, no wins. */
async function choiceOf(
  { id, hash }: SkillTool,
  { store: { questions } }: BotAccount,
): Promise<string | undefined> {
  const choices = (await questions.execRules(NO_AGENT))
    .flatMap((one) => one.path === id && one.contentHash === hash ? one.args : []);
  return choices.includes(DENY) ? DENY : choices[0];
}

async function keep(
  { id, hash }: SkillTool,
  decision: Decision,
  { store: { questions }, now }: BotAccount,
): Promise<void> {
  if (decision.kind !== "answered") {
    throw new RefusedCall(decision.kind, `no owner has decided about the tool ${id}`);
  }
  const { answer: { choice }, by, binding } = decision;
  if (binding !== hash) {
    throw new RefusedCall("changed", `the file of ${id} has changed since the owner's decision`);
  }
  const rule = { path: id, contentHash: hash, cwd: "", filesHash: "", isPattern: false };
  await questions.addExecRule(NO_AGENT, { ...rule, args: [choice] }, by, now());
}

/** The question to the owners about this version of a file; `undefined` if there is none to ask. */
export async function skillQuestion(
  tool: SkillTool,
  { account, callKey, message, open = [] }: ToolContext,
): Promise<Question | undefined> {
  const asked = await choiceOf(tool, account) ? [] : await ownersToTell(account).catch(() => []);
  if (asked.length === 0) return undefined;
  const { skills, discord } = account.config();
  const same = open.filter((one) => one.name === tool.name && one.callKey !== callKey);
  const covers = same.map((one) => one.callKey);
  const nameOf = (host: string) => host in skills.hosts ? `${host} (as in skills.hosts)` : host;
  const { id, name, file, hash, head: { description, hosts, tools, readOnly } } = tool;
  return {
    kind: "skill",
    tool: name,
    text: "A skill has a tool that is new or has changed. May people use it from now on?",
    facts: askerFacts(message),
    exact: [
      `${id}: ${clip(description.replace(/\s+/g, " "), 300)}`,
      `File: ${file}, version ${hash.slice(0, 12)}`,
      `Hosts: ${hosts.map(nameOf).join(", ") || "none"}`,
      `Tools: ${tools.join(", ") || "none"}`,
      readOnly ? "It only reads." : "It may change things there.",
    ].join("\n"),
    choices: [{ key: ALLOW_ONCE, label: "Allow", style: "success" }, {
      key: DENY,
      style: "danger",
    }],
    asked,
    covers,
    where: "direct",
    binding: hash,
    timeoutMs: discord.execApprovals.timeoutSec * 1_000,
  };
}

/**
 * Runs a tool of a skill.
 *
 * @throws {Error} If no owner has confirmed its file, or it fails. An `UnknownOutcomeError` if it may
 * have changed something before.
 */
export async function runSkill(
  tool: SkillTool,
  input: unknown,
  context: ToolContext,
): Promise<string> {
  const { account, decision } = context;
  if (decision) await keep(tool, decision, account);
  const choice = await choiceOf(tool, account);
  if (choice === ALLOW_ONCE) {
    const { runTool, fetchForTool: fetch } = account.bot.toolServices;
    const parts = { runTool, fetch, cleanSecrets: (text: string) => cleanSecrets(account, text) };
    return await runSkillTool(tool, input, parts, context);
  }
  throw choice === undefined
    ? new RefusedCall("exec_rules", `no owner has confirmed the tool ${tool.id}`)
    : new RefusedCall("declined", `an owner has denied this version of the tool ${tool.id}`);
}

/**
 * Reads a skill, or one of its files.
 *
 * @param file Path within the skill's folder; absent: its instructions, with a list of its files.
 * @throws {Error} If the message's place has no such skill, or the skill no such file.
 */
export async function readSkill(
  { account, agentId, message }: ToolContext,
  name: string,
  file?: string,
): Promise<string> {
  const all = skillsIn(account, message, agentId);
  const skill = all.find((one) => one.name === name);
  if (!skill) {
    const names = all.map((one) => one.name).join(", ") || "none";
    throw badArguments(`there is no skill "${name}" here; the skills are: ${names}`);
  }
  if (file !== undefined) return await readSkillFile(skill, file);
  const { body, resources } = skill;
  return resources.length === 0 ? body : `${body}\n\nFiles: ${resources.join(", ")}`;
}
