/**
 * The tool `offer_actions`: the model offers actions, and a person runs one of them by a press (T16).
 * The tool `post` calls an address of the config.
 */

import { z } from "zod";
import { defineTool, type Offer, type Tool } from "../core/turn/tool.ts";

/** Maximum number of actions of an offer. */
const MAX_ACTIONS = 3;
/** Maximum minutes until an offer closes. */
const MAX_EXPIRES_MIN = 10_080;

const offer = () =>
  z.strictObject({
    text: z.string().min(1).max(1_200)
      .describe("The event and the effect of each action, for people. They see nothing else."),
    actions: z.array(z.strictObject({
      label: z.string().trim().min(1).max(60).describe(
        "Text of the button, such as: Restart Jellyfin",
      ),
      tool: z.string().min(1).max(64),
      arguments: z.record(z.string(), z.unknown()).describe("Arguments of the tool."),
    })).min(1).max(MAX_ACTIONS),
    expiresMin: z.int().min(1).max(MAX_EXPIRES_MIN).optional()
      .describe("Minutes until the offer closes."),
  }).refine(({ actions }) => new Set(actions.map(({ label }) => label)).size === actions.length, {
    message: "the labels must differ",
  });

export const offerActions: Tool = defineTool({
  name: "offer_actions",
  description:
    "Offers up to three actions as buttons of a card, and waits until a person with the right to one " +
    "presses it. The action then runs once, as that person, and its outcome is posted. Use it if " +
    "something needs to be done that you must not do yourself. An action is a call of `exec` (a " +
    "command that the operator allows), `post`, `discord`, or an MCP tool, also of one that you " +
    "do not have.",
  input: offer,
  needs: [],
  isIdempotent: true, // the store knows which actions have begun
  takesTurn: true, // a command has a time limit of its own
  effect: (given, _message, result) => ({
    object: "offered action",
    did: endOfOffer(given, result),
  }),
  async asks(input, context) {
    return await context.ports.offers.question(offerOf(input), context);
  },
  run: (input, context) => context.ports.offers.run(offerOf(input), context),
});

/** A call that has ended well may tell of an action that did not run. */
function endOfOffer(given: unknown, result = ""): string {
  if (result.startsWith("No one has pressed in time")) return "expired, nothing ran";
  if (result.startsWith("A person has declined")) return "declined, nothing ran";
  const { actions = [] } = offer().safeParse(given).data ?? {};
  const told = actions.map(({ label }) => result.split(`"${label}": `)[1] ?? "").join("");
  if (told.startsWith("it failed.")) return "tried: it failed";
  return result === "" || told.startsWith("it ran.") ? "run" : "tried: its end is unknown";
}

function offerOf({ text, actions, expiresMin }: z.infer<ReturnType<typeof offer>>): Offer {
  return {
    text,
    calls: actions.map(({ label, tool, arguments: written }) => ({
      label,
      tool,
      arguments: JSON.stringify(written),
    })),
    timeoutMs: expiresMin === undefined ? undefined : expiresMin * 60_000,
  };
}

export const post: Tool = defineTool({
  name: "post",
  description:
    "Sends JSON to one of the operator's addresses, by its name in the config, and returns the " +
    "beginning of the answer.",
  input: () =>
    z.strictObject({
      to: z.string().min(1).max(64).describe("Name of the address in the config."),
      body: z.record(z.string(), z.unknown()).default({}).describe("The JSON to send."),
    }),
  needs: [],
  isIdempotent: false,
  effect: () => ({ object: "address", did: "called" }),
  offered({ to, body }, { ports }) {
    ports.web.assertPost(to);
    return Promise.resolve(`POST ${to} ${JSON.stringify(body)}`);
  },
  run: ({ to, body }, { ports, signal }) => ports.web.post(to, body, signal),
});
