/**
 * The tools by which a turn asks its person to sign in, and to show an answer (T13a): each by a card in
 * their direct messages, while the turn waits.
 *
 * Only the person's own answer in Discord ends a sign-in, so an address that another person opens does
 * nothing. A sign-in lives in this process: after a restart, the person begins anew.
 */

import { z } from "zod";
import type { InboundMessage, OwnTurn } from "../../core/inbound/inbound.ts";
import { ALLOW_ONCE, DENY, FILL_IN, type Question } from "../../core/people/question.ts";
import { defineTool, type Tool, type ToolContext, WaitsForPerson } from "../../core/turn/tool.ts";
import { pastedUrl } from "../../host/sign_in_callback.ts";
import { createNewestSet } from "../../lib/cache.ts";
import type { Login } from "../../mcp/oauth/logins.ts";
import { beginSignIn, type SignIn } from "../../mcp/sign_in.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import type { EachServer, Everyone } from "./people.ts";

const WAIT_MS = 10 * 60_000;
const MAX_WAITING = 200;

type CardContent = Pick<Question, "kind" | "tool" | "text" | "exact"> & Partial<Question>;

function cardOf(
  context: ToolContext,
  yes: Question["choices"][number],
  card: CardContent,
): Question {
  const choices = [yes, { key: DENY, style: "secondary" as const }];
  const asked = [context.message.sender.id];
  return { facts: [], ...card, choices, asked, where: "direct", timeoutMs: WAIT_MS };
}

export function createSignInTool({ texts, now, publicUrl, people, keep }: {
  readonly texts: () => Texts;
  readonly now: () => number;
  readonly publicUrl: () => string | undefined;
  readonly people: Pick<Everyone, "loginAt" | "isSignedIn">;
  /** Stores the login of the message's sender, and answers the message again. */
  readonly keep: (context: ToolContext, server: EachServer, login: Login) => Promise<string>;
}): (server: EachServer) => Tool {
  const waiting = new Map<string, SignIn>();
  /** Messages whose senders have said no: their turns ask no second time. */
  const denied = createNewestSet<string>(MAX_WAITING);

  async function begin(server: EachServer, { callKey, message }: ToolContext): Promise<SignIn> {
    const { transport } = server;
    const back = pastedUrl(transport.oauth?.callbackPort, publicUrl());
    const scope = people.loginAt(message.sender.id, server)?.wantedScope;
    const begun = await beginSignIn(transport, back, now, scope);
    const [oldest] = waiting.keys();
    if (oldest !== undefined && waiting.size >= MAX_WAITING) waiting.delete(oldest);
    waiting.set(callKey, begun);
    return begun;
  }

  function card({ id }: EachServer, { address }: SignIn, context: ToolContext, why = "") {
    const asked = notice("signInAsked", { server: id, host: new URL(address).host }, texts());
    const label = notice("signInField", {}, texts());
    const field = { kind: "text", label, isRequired: true, options: [], max: 1 } as const;
    const question = cardOf(context, { key: FILL_IN, style: "primary" }, {
      ...{ kind: "ask", tool: `mcp__${id}__sign_in`, text: `${why}${asked}`, exact: address },
      form: { title: id, fields: [field] },
    });
    return new WaitsForPerson(question);
  }

  async function signIn(server: EachServer, context: ToolContext): Promise<string> {
    const { callKey, decision, message } = context;
    const mark = `${message.id} ${server.id}`;
    const isYes = decision?.kind === "answered" && decision.answer.choice !== DENY;
    if (decision && !isYes) denied.add(mark);
    if (denied.has(mark)) throw new Error("they said no, or did not answer; do not ask again");
    if (!isYes && people.isSignedIn(message.sender.id, server)) {
      return "They are signed in already.";
    }
    if (!context.mayWait) throw new Error("no person can be asked now");
    const begun = waiting.get(callKey);
    if (!isYes || !begun) throw card(server, await begin(server, context), context);
    const [field] = decision.answer.fields ?? [];
    const written = field?.kind === "text" ? field.text.trim() : "";
    const answer = URL.parse(written)?.searchParams ?? new URLSearchParams();
    const wrong = "That was not the address of this sign-in.\n";
    if (!begun.isOurs(answer)) throw card(server, begun, context, wrong);
    waiting.delete(callKey); // an answer counts once
    return await keep(context, server, await begun.finish(answer));
  }

  return (server) =>
    defineTool({
      name: `mcp__${server.id}__sign_in`,
      description:
        `Lets the person sign in to ${server.id} by a private button. Call it if their ` +
        "message needs a tool of that server and there is none, or the server refuses them.",
      input: () => z.strictObject({}),
      needs: [],
      isIdempotent: true,
      effect: () => undefined,
      async run(_, context) {
        try {
          return await signIn(server, context);
        } catch (error) {
          if (error instanceof WaitsForPerson) throw error;
          waiting.delete(context.callKey);
          const why = error instanceof Error ? error.message : String(error);
          throw new Error(`the person has not signed in to ${server.id}: ${why}`, { cause: error });
        }
      },
    });
}

/** Its card has the exact text and the place, so the person sees what others will see. */
export function createShowTool({ texts, placeOf, post }: {
  readonly texts: () => Texts;
  /** The channel in which the person asked last. */
  readonly placeOf: (message: InboundMessage) => OwnTurn["from"];
  /** Posts it, once for each call. @returns The right that the person lacks for it. */
  readonly post: (
    context: ToolContext,
    place: NonNullable<OwnTurn["from"]>,
    text: string,
  ) => Promise<string | undefined>;
}): (server: EachServer) => Tool {
  return ({ id }) =>
    defineTool({
      name: `mcp__${id}__show_in_channel`,
      description:
        "Shows a text in the channel in which the person asked, if they want others to " +
        "see it. A card asks them first. Without it, only they see your answers.",
      input: () => z.strictObject({ text: z.string().trim().min(1).max(1_400) }),
      needs: [],
      isIdempotent: true,
      asks({ text: exact }, context) {
        const binding = placeOf(context.message)?.channelId;
        const label = notice("goOn", {}, texts());
        return Promise.resolve(
          binding && cardOf(context, { key: ALLOW_ONCE, label, style: "danger" }, {
            ...{ kind: "limit", tool: `mcp__${id}`, exact, binding },
            text: notice("sendAsked", {}, texts()),
            facts: [{ name: "Where", value: `<#${binding}>` }],
          }),
        );
      },
      async run({ text }, context) {
        const { decision, message } = context;
        const place = placeOf(message);
        const isYes = decision?.kind === "answered" && decision.answer.choice === ALLOW_ONCE;
        if (!isYes || !place || decision.binding !== place.channelId) {
          throw new Error("the person did not agree, or asked in no channel; do not ask again");
        }
        const lacks = await post(context, place, text);
        if (lacks !== undefined) throw new Error(`the person may not write there: ${lacks}`);
        return "It stands there now.";
      },
    });
}
