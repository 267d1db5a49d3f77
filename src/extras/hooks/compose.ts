/** Composes the text of events that are answered together (W5). */

import type { HookEvent } from "../../core/hooks/hook.ts";
import { bounded, clip } from "../../lib/text/cut.ts";

/** Maximum characters of all events of a turn, and of a post, which is one message. */
const TURN_CHARS = 12_000;
const POST_CHARS = 1_900;
/** Maximum number of different texts of a run. */
export const EVENTS_SHOWN = 20;

/** The events as one text for a model, oldest first. */
export function eventsForModel(events: readonly HookEvent[], count: number): string {
  const [only] = events;
  if (count === 1 && only) return only.text;
  const room = Math.floor(TURN_CHARS / Math.max(1, events.length));
  const parts = grouped(events, ({ text }) => text).map(({ event, times }) => {
    const at = new Date(event.receivedAt).toISOString();
    return `${at}${times > 1 ? ` (${times} times, the last time now)` : ""}\n${
      clip(event.text, room)
    }`;
  });
  const left = count - events.length;
  return [...left > 0 ? [`${left} earlier events are left out`] : [], ...parts].join("\n\n");
}

/** The events as one message for people. The newest ones stay. */
export function eventsForPeople(events: readonly HookEvent[], count: number): string {
  const texts = grouped(events, ({ post }) => post).filter(({ event }) => event.post !== "");
  const lines: string[] = [];
  let chars = 0;
  let shown = 0;
  for (const { event, times } of texts.toReversed()) {
    const line = times > 1 ? `${event.post} (×${times})` : event.post;
    if (lines.length > 0 && chars + line.length > POST_CHARS - 40) break;
    lines.unshift(bounded(line, POST_CHARS - 40));
    chars += line.length + 1;
    shown += times;
  }
  const left = count - shown;
  if (lines.length === 0) return "";
  return left > 0 ? `${lines.join("\n")}\n… and ${left} more` : lines.join("\n");
}

/** Equal texts once, at the place of the last one. */
function grouped(
  events: readonly HookEvent[],
  textOf: (event: HookEvent) => string,
): readonly { readonly event: HookEvent; readonly times: number }[] {
  const found = new Map<string, { event: HookEvent; times: number }>();
  for (const event of events) {
    const text = textOf(event);
    const times = (found.get(text)?.times ?? 0) + 1;
    found.delete(text);
    found.set(text, { event, times });
  }
  return [...found.values()];
}
