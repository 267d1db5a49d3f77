/** Keys for hooks: events that other programs send over HTTP (W1), and events of servers (W7). */

import { z } from "zod";
import {
  HOOK_SCHEMES,
  hookSenderId,
  SERVER_EVENTS,
  type ServerEventName,
} from "../../core/hooks/hook.ts";
import { pathProblem, templateProblem } from "../../core/hooks/template.ts";
import { parseTarget } from "../../core/outbound/outbound.ts";
import { amount, key, lazyKey, text, whole } from "./parts/key.ts";
import { secret } from "./parts/secrets.ts";

/** The name is a part of the address. */
const hookName = () =>
  z.string().regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    "Expected a name of A-Z, a-z, 0-9, - and _, at most 64 characters",
  );

const template = () =>
  text().superRefine((written, context) => {
    const message = templateProblem(written);
    if (message === undefined) return;
    context.addIssue({
      code: "custom",
      message: `The template cannot be read: ${message}`,
      params: { hint: "docs/hooks.md has the form of templates" },
    });
  });

const target = () =>
  text().superRefine((written, context) => {
    const target = parseTarget(written);
    if (target.kind !== "problem") return;
    const { problem, hint } = target;
    context.addIssue({ code: "custom", message: problem, params: { hint } });
  });

const value = () => z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** Values by path, as lists. */
const condition = () =>
  z.record(
    text().superRefine((written, context) => {
      const message = pathProblem(written);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    }),
    z.union([value().transform((one) => [one]), z.array(value()).min(1)]),
  );

const hook = () =>
  z.strictObject({
    to: key(
      target(),
      'Where events go: `"channel:<id>"` for a channel or a thread, `"user:<id>"` for a direct ' +
        "message.",
      { example: "channel:123456789012345678" },
    ),
    account: key(
      text().optional(),
      "Account of `channels.discord.accounts` that answers.",
      { unset: "the first account", example: "default" },
    ),
    secret: key(
      secret().optional(),
      "Secret that the sender must know, at least 32 characters. It is written like an `apiKey`. " +
        "Each hook needs one.",
      { unset: "none, which is an error", example: { file: "hook" } },
    ),
    scheme: key(
      z.enum(HOOK_SCHEMES).default("bearer"),
      "How the sender proves that it knows the secret. `bearer`: `Authorization: Bearer <secret>`. " +
        "`github`: the signature of GitHub, Gitea and Forgejo, `X-Hub-Signature-256`. `standard`: " +
        "that of Standard Webhooks, with a time.",
    ),
    model: key(
      z.boolean().default(true),
      "Whether an agent reads the events. With `false`, the template is posted as it is, without a " +
        "request to a model.",
    ),
    template: key(
      template().optional(),
      "Text of an event, with values of its body as `{{ path }}`. The model sees only this text.",
      {
        unset: "the whole body",
        example: "{{ monitor.name }} is {{ heartbeat.status | 0=down | 1=up }}",
      },
    ),
    id: key(
      template().optional(),
      "The sender's own id of an event: an event with a known id is not answered again.",
      {
        unset: "`Idempotency-Key`, the signature of `github`, or `webhook-id`, by the scheme",
        example: "{{ id }}",
      },
    ),
    thread: key(
      template().optional(),
      "Key of an incident. Events with the same key go to one thread, whose first post shows the " +
        "current state.",
      { unset: "no threads", example: "{{ monitor.name }}" },
    ),
    title: key(
      template().optional(),
      "Current state of an incident, for its first post and the name of its thread.",
      { unset: "the key", example: "{{ monitor.name }}: {{ heartbeat.msg }}" },
    ),
    only: key(
      condition().optional(),
      "Which events count, as values by path. Each path must have one of its values.",
      { unset: "all", example: { "action": ["opened", "closed"] } },
    ),
    ends: key(
      condition().optional(),
      "Which events end their incident, written like `only`. Its thread is archived then.",
      { unset: "none", example: { "heartbeat.status": [1] } },
    ),
    agent: key(
      text().optional(),
      "Agent that reads the events, by its id.",
      { unset: "the first agent", example: "main" },
    ),
    prompt: key(
      text().optional(),
      "What the agent is to do with an event. The event itself is data to it, and no instruction.",
      {
        unset: "say in one or two sentences what happened, and whether a person must act",
        example: "Say which service is down, and what usually helps.",
      },
    ),
    tools: key(
      z.array(text()).default([]),
      "Tools that the agent may use for these events, and no others. They run with the rights of " +
        "the hook, which is no member of any server.",
      { example: ["web_fetch", "web_search"] },
    ),
    perMinute: key(
      whole(1, 60).default(6),
      "Maximum number of messages and turns a minute. Further events wait, and are merged into one " +
        "message, or one for each key.",
      { unit: "messages", example: 2 },
    ),
    tokensPerDay: key(
      whole(0, Number.MAX_SAFE_INTEGER).optional(),
      "Maximum number of tokens per UTC day for these events. After that, they are posted without a " +
        "model.",
      { unset: "no limit", unit: "tokens", example: 100_000 },
    ),
    moneyPerDay: key(
      amount(0, 1_000_000).optional(),
      "The same in the currency of `prices`.",
      { unset: "no limit", example: 1 },
    ),
  }).superRefine(({ model, template, thread, title, ends, to }, context) => {
    const refuse = (path: string, message: string, hint: string) =>
      void context.addIssue({ code: "custom", path: [path], message, params: { hint } });
    if (!model && template === undefined && title === undefined) {
      refuse("model", "Without a model, there is nothing to post", 'write "template"');
    }
    if (thread === undefined && ends !== undefined) {
      refuse("ends", "Only an incident can end", 'write "thread", or remove "ends"');
    }
    if (thread !== undefined && parseTarget(to).kind === "user") {
      refuse("thread", "Direct messages have no threads", 'remove "thread", or change "to"');
    }
  });

export const hooks = lazyKey(
  () => z.record(hookName(), hook()),
  "Events that other programs send by `POST /hooks/<name>`. Without a hook, no address listens for " +
    "them; `http.hooks` has the address.",
  {
    task: "operating",
    unset: "none",
    entry: "<hook>",
    example: { uptime: { to: "channel:123456789012345678", secret: { file: "uptime" } } },
  },
);

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
