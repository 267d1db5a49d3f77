/**
 * Gives answers to interactions that the gateway's thread has acknowledged (K5).
 *
 * The thread acknowledges in a request of its own. The answer may overtake that request, and Discord
 * then does not know the interaction's webhook yet, so it is tried again. The answer to a command
 * replaces the deferral, so a command that is answered twice shows one answer.
 *
 * An acknowledgement that came too late leaves no webhook, and an expired token closes it. The person
 * then gets the answer by direct message, and at once if Discord forbids an answer in the place.
 */

import type { Account } from "../../core/account/account.ts";
import { createdAtMs, parseSnowflake } from "../../core/discord/ids.ts";
import type { Interaction } from "../../core/inbound/interactions.ts";

/**
 * Gives an answer.
 *
 * @param content The text of the answer, for a person whom the interaction's webhook does not reach;
 * absent if that person needs none.
 * @param give Sends the answer through the interaction's webhook.
 * @returns The result of `give`; `undefined` if the person has the text in another way.
 * @throws {unknown} If Discord refuses the answer, as a rejection.
 */
type GiveDeferred = <Given>(
  interaction: Interaction,
  content: string | undefined,
  give: () => Promise<Given>,
) => Promise<Given | undefined>;

/** Milliseconds between tries: as long as Discord takes an acknowledgement, 3 s in all. */
const RETRY_MS: readonly number[] = [50, 200, 750, 2_000];

/** Milliseconds for which a token is used: Discord takes it for 15 minutes from its own clock. */
const TOKEN_MS = 15 * 60_000 - 10_000;

/**
 * Creates the function that gives answers.
 *
 * @param tellLate Sends a text to the person alone, beside the interaction's webhook; `isForbidden` if
 * Discord permits no answer in the place.
 * @param failureOf `unknown` if Discord does not know that the interaction was acknowledged, or does
 * not yet; `forbidden` also if it has refused the acknowledgement itself.
 */
export function createDeferred(
  { schedule, now }: Pick<Account, "schedule" | "now">,
  tellLate: (interaction: Interaction, content: string, isForbidden?: boolean) => Promise<void>,
  failureOf: (error: unknown, interaction: Interaction) => "unknown" | "forbidden" | undefined,
): GiveDeferred {
  const wait = (ms: number) => new Promise<void>((resolve) => void schedule(resolve, ms));

  return async (interaction, content, give) => {
    if (isExpired(interaction, now())) {
      if (content !== undefined) await tellLate(interaction, content);
      return undefined;
    }
    for (const waitMs of [...RETRY_MS, undefined]) {
      try {
        return await give();
      } catch (error) {
        const failure = failureOf(error, interaction);
        if (failure === "unknown" && waitMs !== undefined) {
          await wait(waitMs);
          continue;
        }
        if (!failure || content === undefined) throw error;
        await tellLate(interaction, content, failure === "forbidden");
        break;
      }
    }
    return undefined;
  };
}

function isExpired({ id }: Interaction, now: number): boolean {
  const snowflake = parseSnowflake<"interaction">(id);
  return snowflake !== undefined && now - createdAtMs(snowflake) >= TOKEN_MS;
}
