/**
 * Commands for tools: the mode, the approvers, and the check that the approved command is the one
 * that runs (A1 to A3).
 */

import { cleanSecrets } from "../../account/per_account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import {
  decideExec,
  type ExecRule,
  MAX_COMMAND_MS,
  MAX_PROCESSES,
  mayAllowAlways,
  type ResolvedCommand,
  type RunEnd,
} from "../../core/exec/command.ts";
import { ALLOW_ALWAYS, ALLOW_ONCE, DENY, type Question } from "../../core/people/question.ts";
import { askerFacts, type DiscordCall } from "../../core/turn/discord_place.ts";
import type { ExecCall } from "../../core/turn/host.ts";
import { badArguments, RefusedCall } from "../../core/turn/tool.ts";
import type { HostCommands } from "../../exec/host_commands.ts";
import { whenAborted } from "../../lib/clock.ts";
import {
  EXEC_LIMITS,
  MAX_FILE_BYTES,
  MB,
  passedText,
  programLimitsOf,
  type WrittenLimits,
} from "../../lib/program_limits.ts";

const APPROVALS = "channels.discord.execApprovals";

/** Looks the command up anew each time: it may have changed since the last. */
async function examine(call: ExecCall, { account, agentId }: DiscordCall) {
  const { exec } = account.config();
  if (!exec) throw new RefusedCall("closed_tool", "`exec` is off");
  const written = JSON.stringify(call.argv);
  if (call.argv.some((arg) => arg.includes("\0"))) throw badArguments("an argument has a NUL");
  if (cleanSecrets(account, written) !== written) {
    throw new RefusedCall("secret", "the command has a secret of the config in it");
  }
  const { commands } = account.bot.toolServices.of(agentId);
  const command = await commands.resolve(call);
  const known = [
    ...await operatorRules(exec.allow, commands),
    ...await account.store.questions.execRules(agentId),
  ];
  return { command, verdict: decideExec(exec.mode, known, command) };
}

async function operatorRules(
  allow: readonly (readonly string[])[],
  commands: HostCommands,
): Promise<readonly ExecRule[]> {
  const found = await Promise.allSettled(allow.map(async (argv): Promise<ExecRule> => {
    const { path } = await commands.resolve({ argv: argv.slice(0, 1), cwd: "" });
    return { path, args: argv.slice(1), isPattern: true };
  }));
  return found.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
}

/** Whom to ask; a text says which key is missing. */
function approversFor({ account, agentId, sessionKey }: DiscordCall): readonly UserId[] | string {
  const { discord: { execApprovals } } = account.config();
  const { enabled, agentFilter, sessionFilter } = execApprovals;
  const { approvers } = account.policy().policy;
  if (!enabled) return `${APPROVALS}.enabled is false`;
  if (approvers.length === 0) return `${APPROVALS}.approvers is empty`;
  if (agentFilter && !agentFilter.includes(agentId)) {
    return `${APPROVALS}.agentFilter leaves this agent out`;
  }
  if (sessionFilter && !sessionFilter.some((part) => sessionKey.includes(part))) {
    return `${APPROVALS}.sessionFilter leaves this session out`;
  }
  return approvers;
}

function questionOf(
  call: ExecCall,
  command: ResolvedCommand,
  asked: readonly UserId[],
  { account, message }: DiscordCall,
): Question {
  const { discord } = account.config();
  const isAlways = mayAllowAlways(call.argv, command);
  const seconds = Math.round(call.timeoutMs / 1_000);
  return {
    kind: "approval",
    tool: "exec",
    text: "I want to run a command, and need your approval.",
    facts: [
      ...askerFacts(message),
      { name: "Program", value: programText(command) },
      { name: "Folder", value: command.cwd },
      { name: "Time", value: `${seconds} s` },
      {
        name: "Always",
        value: isAlways
          ? "this program with exactly these arguments, in this folder, until the program " +
            "or a file that they name changes"
          : "only by a rule in `exec.allow`, as it may run other programs",
      },
    ],
    exact: JSON.stringify(call.argv),
    choices: [
      { key: ALLOW_ONCE, style: "success" },
      ...(isAlways ? [{ key: ALLOW_ALWAYS, style: "primary" as const }] : []),
      { key: DENY, style: "danger" },
    ],
    asked,
    where: "direct",
    binding: command.binding,
    timeoutMs: discord.execApprovals.timeoutSec * 1_000,
  };
}

/** The approval of a command; `undefined` if people were not asked. @throws If they have denied. */
function approvalIn({ decision }: DiscordCall) {
  switch (decision?.kind) {
    case undefined:
      return undefined;
    case "expired":
      throw new RefusedCall("expired", "denied: no approver answered in time");
    case "withdrawn":
      throw new RefusedCall("withdrawn", "denied: no approver could be reached");
    case "answered": {
      const { answer: { choice }, by, binding } = decision;
      if (choice === ALLOW_ONCE || choice === ALLOW_ALWAYS) return { choice, by, binding };
      throw new RefusedCall("declined", "denied by an approver");
    }
  }
}

/** Throws unless a person has approved exactly this command. */
async function assertApproved(
  call: ExecCall,
  command: ResolvedCommand,
  approval: ReturnType<typeof approvalIn>,
  context: DiscordCall,
): Promise<void> {
  if (!approval) {
    const asked = approversFor(context);
    throw new RefusedCall(
      "exec_rules",
      `the command needs an approval, and no one can give it: ${
        typeof asked === "string" ? asked : "the question was not asked"
      }`,
    );
  }
  const { choice, by, binding } = approval;
  if (binding !== command.binding) {
    throw new RefusedCall(
      "changed",
      "the program or a file of the command has changed since the approval",
    );
  }
  if (choice === ALLOW_ALWAYS && mayAllowAlways(call.argv, command)) {
    const { path, contentHash, cwd, filesHash, argv } = command;
    const rule = { path, contentHash, cwd, filesHash, args: argv.slice(1), isPattern: false };
    const { account, agentId } = context;
    await account.store.questions.addExecRule(agentId, rule, by, account.now());
  }
}

/** Looks a command up, and gives up once its turn ends: a program may keep a file from being read. */
async function examineWithin(call: ExecCall, context: DiscordCall) {
  const { signal } = context;
  const ended = whenAborted(signal).then(() => Promise.reject(signal.reason));
  return await Promise.race([examine(call, context), ended]);
}

/**
 * What an approver must decide before a command runs.
 *
 * @returns `undefined` if no approval is needed, or if there is no approver.
 * @throws {Error} If the command cannot run at all; as a rejection.
 */
export async function execQuestion(
  call: ExecCall,
  context: DiscordCall,
): Promise<Question | undefined> {
  const { command, verdict } = await examine(call, context);
  if (verdict !== "ask") return undefined;
  const asked = approversFor(context);
  return typeof asked === "string" ? undefined : questionOf(call, command, asked, context);
}

/**
 * Runs a command, if it may run.
 *
 * @returns Output and end, for the model.
 * @throws {Error} If it may not run, or cannot be started; as a rejection.
 */
export async function runExec(call: ExecCall, context: DiscordCall): Promise<string> {
  const { account: { bot, config, now }, agentId, signal } = context;
  const { commands } = bot.toolServices.of(agentId);
  const approval = approvalIn(context);
  const askedAt = now();
  // First: a wait between the check and the start would give a file of the command time to change.
  const free = await commands.takePlace(signal);
  try {
    const { command, verdict } = await examineWithin(call, context);
    if (verdict === "deny") {
      throw new RefusedCall("exec_rules", "this command is not on the list `exec.allow`");
    }
    if (verdict === "ask") await assertApproved(call, command, approval, context);
    const leftMs = MAX_COMMAND_MS - Math.max(0, now() - askedAt);
    const ended = await commands.run(command, Math.min(call.timeoutMs, leftMs), signal);
    const { end, output } = ended;
    const [how, hint = ""] = endText(end, output, config().exec?.limits);
    if (end.cut !== undefined || end.code !== 0) context.noteEffect?.({ failure: how });
    return `[${how}${hint}, ${(end.ms / 1_000).toFixed(1)} s]\n${output}`;
  } finally {
    free();
  }
}

/** The program as an approver sees it. */
function programText({ path, realPath, contentHash }: ResolvedCommand): string {
  const link = path === realPath ? "" : ` → ${realPath}`;
  return `${path}${link} (${contentHash.slice(0, 12)})`;
}

/** Code of a program that the signal SIGXFSZ has ended: 128 + 25. */
const FILE_TOO_LARGE = 153;

/** How a command ended, and words about its limits. */
function endText(
  { cut, code }: RunEnd,
  output: string,
  limits: WrittenLimits = EXEC_LIMITS,
): readonly [how: string, hint?: string] {
  switch (cut) {
    case "time":
      return ["ended after its time limit"];
    case "output":
      return ["ended after 1 MiB of output"];
    case "stopped":
      return ["ended, because it was stopped"];
    case "memory":
    case "disk":
    case "processes":
      return [`ended, because ${passedText(cut, programLimitsOf(limits, MAX_PROCESSES))}`];
  }
  const how = code === null ? "ended by a signal" : `exit code ${code}`;
  if (code === FILE_TOO_LARGE || /File too large/i.test(output)) {
    return [how, `; a file may have at most ${MAX_FILE_BYTES / MB} MB`];
  }
  return /No space left on device/i.test(output)
    ? [how, `; its /tmp has room for ${limits.tempMb} MB`]
    : [how];
}
