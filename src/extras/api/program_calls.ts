/**
 * The calls between `barnacle mcp serve` and the running bot, over the bot's socket (O14).
 *
 * Each is short, because the socket answers few requests at once: a question is begun by one call, and
 * its state read by later ones. So it also outlives a restart of the bot.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Bot } from "../../bot.ts";
import type { BotConfig } from "../../config/config.ts";
import {
  ACTS,
  type BegunCall,
  type CallRefusal,
  CallRefused,
  type CallState,
} from "../../core/programs/service.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { ProgramCalls } from "./http/mcp_tools.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { createAsk, UnansweredError } from "../../cli/shared/store_access.ts";
import { programsOf } from "./programs.ts";

const id = snowflakeSchema<"message">();

const requestSchema = z.tuple([
  z.string(),
  z.discriminatedUnion("do", [
    z.strictObject({ do: z.literal("agents") }),
    z.strictObject({
      do: z.literal("begin"),
      call: z.strictObject({
        kind: z.literal("ask"),
        text: z.string(),
        agentId: z.string().optional(),
        conversation: z.string().optional(),
        key: z.string().optional(),
      }),
    }),
    z.strictObject({ do: z.literal("countRead") }),
    z.strictObject({ do: z.literal("state"), id }),
    z.strictObject({ do: z.literal("leave"), id }),
    z.strictObject({ do: z.literal("act"), name: z.enum(ACTS), given: z.unknown() }),
  ]),
]);

/** Milliseconds that an act may take. */
const ACT_MS = 60_000;
/** Milliseconds between two looks at a call. */
const LOOK_MS = 300;

type ProgramAnswer = { readonly result: unknown } | { readonly refused: CallRefusal };

export async function answerProgram(
  args: unknown,
  config: Pick<BotConfig, "api" | "accounts">,
  bot: Pick<Bot, "calls">,
): Promise<ProgramAnswer> {
  const { data } = requestSchema.safeParse(args);
  if (!data) {
    throw new StartError("the running bot is of another version; restart it", EXIT.tryAgain);
  }
  const [name, asked] = data;
  const found = programsOf(config).find(({ program }) => program === name);
  if (!found) throw new StartError(`api.programs has no ${name} in the running bot`, EXIT.config);
  const { token: _, accountId, ...caller } = found;
  const service = await bot.calls(accountId);
  try {
    if (!service) throw new CallRefused("unavailable", "the bot's account does not run");
    switch (asked.do) {
      case "agents":
        return { result: service.agents(caller) };
      case "begin":
        return { result: await service.begin(caller, asked.call) };
      case "countRead":
        return { result: service.countRead(caller) };
      case "state":
        return { result: await service.stateOf(caller, asked.id) };
      case "leave":
        return { result: await service.leave(asked.id) };
      case "act": {
        const signal = AbortSignal.timeout(ACT_MS);
        return { result: await service.act(caller, asked.name, asked.given, signal) };
      }
    }
  } catch (error) {
    if (!(error instanceof CallRefused)) throw error;
    return { refused: { kind: error.kind, why: error.message } };
  }
}

/** Creates the calls of a program, for another process than the bot. */
export function createProgramCalls(dataDir: string, program: string): ProgramCalls {
  const send = createAsk(dataDir);

  async function ask(asked: z.input<typeof requestSchema>[1]): Promise<unknown> {
    const answer = await send("api.call", [program, asked]).catch((error: unknown) => {
      if (error instanceof UnansweredError) throw new CallRefused("unavailable", error.message);
      throw error;
    }) as ProgramAnswer; // of this program's other process
    if ("refused" in answer) throw new CallRefused(answer.refused.kind, answer.refused.why);
    return answer.result;
  }

  return {
    agents: async () => await ask({ do: "agents" }) as readonly string[],
    begin: async ({ text, agentId, conversation, key }) =>
      await ask({
        do: "begin",
        call: { kind: "ask", text, agentId, conversation, key },
      }) as BegunCall,
    countRead: async () => void await ask({ do: "countRead" }),
    async wait(callId, signal, maxMs) {
      const until = performance.now() + maxMs;
      for (;;) {
        const state = await ask({ do: "state", id: callId }).catch((error: unknown) => {
          // The bot may restart meanwhile: the call goes on.
          if (error instanceof CallRefused && error.kind === "unavailable") return OPEN;
          throw error;
        }) as CallState;
        if (state.kind !== "open" || signal.aborted || performance.now() >= until) return state;
        await sleep(LOOK_MS);
      }
    },
    leave: async (callId) => void await ask({ do: "leave", id: callId }),
    act: async (name, given) => String(await ask({ do: "act", name, given })),
  };
}

const OPEN: CallState = { kind: "open" };
