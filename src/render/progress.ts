/**
 * Writes the text of a progress line: what the turn does, and for how long (R8a).
 *
 * The text has no words of people or of the model: arguments of tools could contain any.
 */

import type { ChannelId } from "../core/discord/ids.ts";
import { notice, type TextKey, type Texts } from "./notices/notices.ts";

/** A notice about work that has no placeholder. */
type PlainWork = Exclude<Extract<TextKey, `work${string}`>, "workHistory" | "workTool">;

/** Notices by tool; another tool has its name in the line. */
const WORK_OF: ReadonlyMap<string, PlainWork> = new Map<string, PlainWork>([
  ["ask", "workAsk"],
  ["discord", "workDiscord"],
  ["exec", "workExec"],
  ["process", "workExec"],
  ["reply_in_thread", "workThread"],
  ["memory", "workMemory"],
  ["recall", "workRecall"],
  ["remind", "workRemind"],
  ["read_skill", "workSkill"],
  ["web_fetch", "workPage"],
  ["web_search", "workSearch"],
  ["code", "workCode"],
  ["draw", "workImage"],
  ["read_file", "workFiles"],
  ["write_file", "workFiles"],
  ["edit_file", "workFiles"],
  ["list_files", "workFiles"],
  ["send_file", "workFiles"],
]);

/** Maximum number of tools in a line. */
const MAX_TOOLS = 3;

/** The current work of a turn. */
export interface Work {
  /** Names of the running tools; empty while the model writes. */
  readonly tools: readonly string[];
  /** The channel whose history a tool reads, if it is not that of the turn. */
  readonly reads?: ChannelId;
  /** Number of the step, from 1. */
  readonly step: number;
  /** Maximum number of steps. */
  readonly steps: number;
  /** Seconds since the turn began. */
  readonly seconds: number;
  readonly channelId: ChannelId;
}

/** The text of a line. */
export function progressText(
  { tools, reads, step, steps, seconds, channelId }: Work,
  texts: Texts,
): string {
  const works = tools.map((tool) => {
    if (tool === "read_channel_history") {
      return notice("workHistory", { channel: `<#${reads ?? channelId}>` }, texts);
    }
    const key = WORK_OF.get(tool);
    return key ? notice(key, {}, texts) : notice("workTool", { tool: plainToolName(tool) }, texts);
  });
  const some = [...new Set(works)].slice(0, MAX_TOOLS);
  const work = some.length === 0 ? notice("workThinking", {}, texts) : some.join(", ");
  return notice(
    "progress",
    { work, step: `${step}`, steps: `${steps}`, seconds: `${seconds}` },
    texts,
  );
}

/** The model may call a tool that does not exist, by any name. */
function plainToolName(tool: string): string {
  return tool.replace(/[^\w-]/g, "").slice(0, 64) || "?";
}
