/**
 * Writes the text of a progress line: the turn's work, and its duration so far (R8a).
 *
 * The line has no words of people or of the model: arguments of tools could contain any. Below it
 * stands text that the model wrote for people, beside its calls.
 */

import type { ChannelId } from "../core/discord/ids.ts";
import { bounded } from "../lib/text/cut.ts";
import { notice, type TextKey, type Texts } from "./notices/notices.ts";

/** A notice about work that has no placeholder. */
type PlainWork = Exclude<
  Extract<TextKey, `work${string}`>,
  "workHistory" | "workTool"
>;

/** Notices by tool; another tool has its name in the line. */
const WORK_OF: ReadonlyMap<string, PlainWork> = new Map<string, PlainWork>([
  ["ask", "workAsk"],
  ["discord", "workDiscord"],
  ["exec", "workExec"],
  ["voice", "workDiscord"],
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
  /** Whether a slow server still reads the prompt. */
  readonly isReading?: boolean;
  /** Text that the model wrote beside its calls, from {@link asideOf}; absent: none. */
  readonly aside?: string;
}

/** Maximum UTF-16 units of the text beside calls. */
const MAX_ASIDE = 300;

/**
 * Shortens text that the model wrote beside its calls. Discord would fetch a link for a preview, and
 * a cut code block would not end, so the text has neither.
 *
 * @param composed The text as a message would have it: without secrets, and with safe links.
 */
export function asideOf(composed: string): string | undefined {
  const [before = ""] = composed.split(/`{3}|~{3}/);
  const text = before.replace(/<?https?:\/\/\S+/gi, "…").replace(/\s+/g, " ").trim();
  return text === "" ? undefined : bounded(text, MAX_ASIDE);
}

export function progressText(
  { tools, reads, step, steps, seconds, channelId, isReading, aside }: Work,
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
  const own = isReading ? "workReading" : "workThinking";
  const work = some.length === 0 ? notice(own, {}, texts) : some.join(", ");
  const line = notice(
    "progress",
    { work, step: `${step}`, steps: `${steps}`, seconds: `${seconds}` },
    texts,
  );
  return aside === undefined ? line : `${line}\n> ${aside}`;
}

/** The model may call a tool that does not exist, by any name. */
function plainToolName(tool: string): string {
  return tool.replace(/[^\w-]/g, "").slice(0, 64) || "?";
}
