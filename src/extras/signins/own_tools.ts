/**
 * The tools of a turn with a person's own account: to sign in, and to show an answer (T13a). Only the
 * person's own answer on a card counts. A sign-in lives in this process.
 */

import { cameBy } from "../../core/inbound/origin.ts";
import { z } from "zod";
import { DENY, DONE, FILL_IN, type Question } from "../../core/people/question.ts";
import { MAX_LINK } from "../../core/outbound/outbound.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import { defineTool, UnknownOutcomeError, WaitsForPerson } from "../../core/turn/tool.ts";
import type { Tool, ToolContext } from "../../core/turn/tool.ts";
import { pastedUrl } from "../../host/sign_in_callback.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { beginSignIn, NotYetError, type SignIn } from "../../mcp/sign_in.ts";
import type { Login } from "../../mcp/oauth/logins.ts";
import { GO_ON } from "../../render/sentences.ts";
import type { EachServer, Everyone } from "./people.ts";

const WAIT_MS = 10 * 60_000;
const MAX_WAITING = 200;

function cardOf(
  { message }: ToolContext,
  yes: Question["choices"][number],
  card: Pick<Question, "kind" | "tool" | "text"> & Partial<Question>,
): Question {
  const choices = [yes, { key: DENY, style: "secondary" as const }];
  const asked = [message.sender.id];
  return { facts: [], ...card, choices, asked, where: "direct", timeoutMs: WAIT_MS };
}

export function createSignInTool({ now, publicUrl, people, keep }: {
  readonly now: () => number;
  readonly publicUrl: () => string | undefined;
  readonly people: Pick<Everyone, "loginAt" | "isSignedIn">;
  /** Stores the login of the message's sender, and answers the message again. */
  readonly keep: (context: ToolContext, server: EachServer, login: Login) => Promise<string>;
}): (server: EachServer) => Tool {
  const waiting = new Map<string, SignIn>();
  /** Messages whose senders have said no: their turns ask no second time. */
  const denied = createNewestSet<string>(MAX_WAITING);

  const backTo = ({ transport }: EachServer) =>
    pastedUrl(transport.oauth?.callbackPort, publicUrl());

  async function begin(server: EachServer, { callKey, message }: ToolContext): Promise<SignIn> {
    const { transport } = server;
    const url = publicUrl();
    const back = backTo(server);
    const scope = people.loginAt(message.sender.id, server)?.wantedScope;
    // The page of a public address is safer: no one can be talked into entering another's code.
    const begun = await beginSignIn(transport, back, now, scope, !url?.startsWith("https:"));
    const [oldest] = waiting.keys();
    if (oldest !== undefined && waiting.size >= MAX_WAITING) waiting.delete(oldest);
    waiting.set(callKey, begun);
    return begun;
  }

  function card(server: EachServer, { address, device }: SignIn, context: ToolContext, why = "") {
    const { id } = server;
    const asked =
      `Sign in to \`${id}\` at ${new URL(address).host} with your own account. Pass on no ` +
      "address and no code.";
    const label = device ? GO_ON : "Your browser's last address";
    const yes = device ? { key: DONE, label } : { key: FILL_IN };
    const [shown, link] = address.length <= MAX_LINK
      ? [[], { url: address, label: "Sign in" }]
      : [[address]];
    const exact = [...shown, ...device ? [device.code] : []].join("\n");
    const end = device
      ? `enter the code there, and press **${GO_ON}**`
      : `your browser ends at \`${backTo(server)}?…\`, where no page may load. Copy that whole ` +
        "address, press **Fill in**, and paste it";
    return new WaitsForPerson(cardOf(context, { ...yes, style: "primary" }, {
      ...{ kind: "ask", tool: `mcp__${id}__sign_in`, text: `${why}${asked}`, link },
      ...exact !== "" && { exact },
      facts: [{ name: "Then", value: end }],
      form: device ? undefined : { title: id, label },
    }));
  }

  async function signIn(server: EachServer, context: ToolContext): Promise<string> {
    const { callKey, decision, message } = context;
    const isYes = decision?.kind === "answered" && decision.answer.choice !== DENY;
    if (decision && !isYes) denied.add(message.id);
    const words = "the person said no, or did not answer; do not ask again";
    if (denied.has(message.id)) throw new RefusedCall("declined", words);
    const begun = waiting.get(callKey);
    if (!(isYes && begun) && people.isSignedIn(message.sender.id, server)) {
      return "Nothing to do: they are signed in already."; // perhaps before a crash
    }
    if (!context.mayWait) throw new Error("no person can be asked now");
    if (!isYes || !begun) throw card(server, await begin(server, context), context);
    const { text: written = "" } = decision.answer;
    const answer = begun.device?.answer ??
      URL.parse(written)?.searchParams ?? new URLSearchParams();
    const wrong = "That was not the address of this sign-in.\n";
    if (!begun.isOurs(answer)) throw card(server, begun, context, wrong);
    waiting.delete(callKey); // an answer counts once
    const login = await begun.finish(answer).catch((error: unknown) => {
      if (!(error instanceof Error && error.cause instanceof NotYetError)) throw error;
      waiting.set(callKey, begun);
      throw card(server, begun, context, "The server knows no sign-in yet.\n");
    });
    return await keep(context, server, login);
  }

  return (server) =>
    defineTool({
      name: `mcp__${server.id}__sign_in`,
      description:
        `Lets the person sign in to ${server.id} by a private button. Call it if their ` +
        "message needs a tool of that server and there is none, or the server refuses them.",
      input: () => z.strictObject({}),
      needs: [],
      seenAt: "nowhere",
      isIdempotent: true,
      run: (_, context) => signIn(server, context),
    });
}

/** Its card has the exact text and the place, so the person sees what others will see. */
export function createShowTool({ id }: EachServer): Tool {
  return defineTool({
    name: `mcp__${id}__show_in_channel`,
    description:
      "Shows a text in the channel in which the person asked last, if they want others to " +
      "see it. A card asks them first. Without it, only they see your answers.",
    input: () => z.strictObject({ text: z.string().trim().min(1).max(1_400) }),
    needs: [],
    seenAt({ text }, message) {
      const { from } = cameBy(message, "own") ?? {};
      return from && { at: { kind: "channel", id: from.channelId }, text };
    },
    isIdempotent: true,
    async run({ text }, context) {
      const { message } = context;
      const { from } = cameBy(message, "own") ?? {};
      if (!from) throw new RefusedCall("place", "the person asked in no channel");
      // With the rights that they have there.
      const asker = { ...message, ...from, origin: { kind: "command" } } as const;
      const shown = { text: `${text}\n— <@${message.sender.id}>` };
      const { send } = await import("../../flows/actions/actions.ts");
      const { waits } = await send({ ...context, message: asker }, shown);
      if (!waits) return "It stands there now.";
      throw new UnknownOutcomeError("Discord gets it later, and may refuse it; do not repeat it");
    },
  });
}
