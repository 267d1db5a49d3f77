/**
 * Writes the text of a progress line: the turn's work, and its duration so far (R8a).
 *
 * The line has no words of people or of the model: arguments of tools could contain any. Below it
 * stands text that the model wrote for people, beside its calls.
 */

import type { ChannelId } from "../core/discord/ids.ts";
import { bounded } from "../lib/text/quoted.ts";

const ON_DISCORD = "working on Discord";
const FILES = "working on files";

/** The words by tool; another tool has its name in the line. */
const WORK_OF: ReadonlyMap<string, string> = new Map([
  ["ask", "asking a question"],
  ["discord", ON_DISCORD],
  ["exec", "running a command"],
  ["voice", ON_DISCORD],
  ["reply_in_thread", "opening a thread"],
  ["memory", "looking into my notes"],
  ["recall", "rereading our conversation"],
  ["remind", "setting a reminder"],
  ["read_skill", "reading a skill"],
  ["web_fetch", "reading a web page"],
  ["web_search", "searching the web"],
  ["code", "running code"],
  ["draw", "drawing"],
  ["read_file", FILES],
  ["write_file", FILES],
  ["edit_file", FILES],
  ["list_files", FILES],
  ["send_file", FILES],
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
): string {
  const works = tools.map((tool) => {
    if (tool === "read_channel_history") return `reading <#${reads ?? channelId}>`;
    return WORK_OF.get(tool) ?? `using \`${plainToolName(tool)}\``;
  });
  const some = [...new Set(works)].slice(0, MAX_TOOLS);
  const own = isReading
    ? "my model is still reading, which takes minutes on a small computer"
    : "thinking";
  const work = some.length === 0 ? own : some.join(", ");
  const line = `${work} · step ${step} of ${steps} · ${seconds} s`;
  return aside === undefined ? line : `${line}\n> ${aside}`;
}

/** The model may call a tool that does not exist, by any name. */
function plainToolName(tool: string): string {
  return tool.replace(/[^\w-]/g, "").slice(0, 64) || "?";
}
