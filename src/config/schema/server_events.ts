/** The key `on` of agents: events of servers that start turns (W7). */

import { z } from "zod";
import { hookSenderId, SERVER_EVENTS, type ServerEventName } from "../../core/hooks/hook.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { lazyKey, text, whole } from "./parts/key.ts";

export const target = () =>
  text().superRefine((written, context) => {
    const target = parseTarget(written);
    if (target.kind !== "problem") return;
    const { problem, hint } = target;
    context.addIssue({ code: "custom", message: problem, params: { hint } });
  });

const EVENTS = Object.keys(SERVER_EVENTS) as [ServerEventName, ...ServerEventName[]];
/** Events in whose own place an answer can stand. A message would open a closed thread again. */
const WITH_PLACE: readonly ServerEventName[] = ["forum_post", "pin", "reaction"];

const HAVE_WORDS: readonly ServerEventName[] = [...WITH_PLACE, "thread_closed"];

/** Places and people that an event never has: with no others, an entry would start no turn. */
const NEVER =
  /^(?:(?:member_join|boost|role_given) channel|(?:forum_post|thread_closed|event_started) role|event_started user):/;
const EMOJI = /^(?:<:\w+:\d+>|[^a-z:<>]+)$/i;

const ids = (...kinds: readonly [string, string]) =>
  z.array(
    z.string().regex(new RegExp(`^(?:${kinds.join("|")}):\\d{1,20}$`), {
      error: `Expected ${kinds.map((kind) => `"${kind}:<id>"`).join(" or ")}`,
    }),
  ).min(1).optional();

const entry = () =>
  z.strictObject({
    event: z.enum(EVENTS),
    where: ids("guild", "channel"),
    who: ids("role", "user"),
    emoji: z.array(text().regex(EMOJI, 'Expected "📌" or "<:name:id>"')).min(1).optional(),
    prompt: text().optional(),
    post: target().optional(),
    tools: z.array(text()).optional(),
    perDay: whole(1, 1_000).default(50),
    cooldownSec: whole(0, 86_400).default(60),
  }).superRefine(({ event, where, who, post, tools, emoji }, context) => {
    const refuse = (path: string, message: string, hint: string) =>
      void context.addIssue({ code: "custom", path: [path], message, params: { hint } });
    for (const [key, list] of Object.entries({ where, who })) {
      if (!list?.[0] || !list.every((one) => NEVER.test(`${event} ${one}`))) continue;
      refuse(key, `The event ${event} never has one of these`, `change "${key}"`);
    }
    if (!tools) refuse("tools", "The entry names no rights", 'write "tools": [], or its tools');
    if (!post && !WITH_PLACE.includes(event)) {
      refuse("post", `The event ${event} has no place for an answer`, 'write "post"');
    }
    if (post && !where && HAVE_WORDS.includes(event)) {
      const message = `Without "where", "post" shows the words of each channel`;
      refuse("where", message, 'write "where": ["channel:<id>"]');
    }
    if (emoji && event !== "reaction") {
      refuse("emoji", `The event ${event} has no emoji`, 'remove "emoji"');
    }
  });

const entries = () => z.array(entry()).max(50);

export const serverEvents = () =>
  lazyKey(
    entries,
    "Events of servers that start a turn of the agent. `docs/hooks.md` has the keys of an entry, and a " +
      "recipe for each event.",
    { unset: "none", example: [{ event: "pin", tools: [] }] },
  );

/** Milliseconds: a raid is one answer. */
const GATHER_MS = 5_000;

/** The entries of all agents as rules, by the names of their events among those of hooks. */
export function entriesIn(
  agents: readonly { readonly id: string; readonly on?: z.output<ReturnType<typeof entries>> }[],
) {
  return Object.fromEntries(
    agents.flatMap(({ id: agent, on = [] }, index) =>
      on.map(({ post: to = "", tools = [], cooldownSec, ...rest }, at) => {
        const { event, where, who, emoji } = rest;
        // With the subject in its name, no other entry answers the events that wait for one.
        const subject = hookSenderId(JSON.stringify([agent, where, who, emoji, to]));
        const times = { perMinute: 60, cooldownMs: cooldownSec * 1_000, gatherMs: GATHER_MS };
        const rules = { ...rest, to, tools, agent, model: true, ...times };
        return [`on:${event}:${index}.${at}:${subject}`, rules];
      })
    ),
  );
}
