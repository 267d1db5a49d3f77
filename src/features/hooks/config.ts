/** Keys for hooks: events that other programs send over HTTP (W1). */

import { z } from "zod";
import { HOOK_SCHEMES, pathProblem, templateProblem } from "../../core/hooks/hook.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { target } from "../../config/schema/server_events.ts";
import { key, lazyKey, text, whole } from "../../config/schema/parts/key.ts";
import { secret } from "../../config/schema/parts/secrets.ts";

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
