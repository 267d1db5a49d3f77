/** Asks how much a paid model may cost each day. */

import type { SetupPorts } from "./setup_ports.ts";
import type { LimitAnswer, SetupModel, SetupState, TokenPrices } from "../answers/state.ts";

/** The limit of a user who presses Enter, in dollars. */
const DEFAULT_MONEY = "2.00";

/** Tokens of a day, for a model whose price the user does not know. */
const DEFAULT_TOKENS = 1_000_000;

const MONEY_MAX = 1_000_000;

/** Reads a limit: an amount, `none`, or a number of tokens. */
export function readLimit(
  typed: string,
): { readonly limit: { readonly kind: "money" | "tokens" | "none"; readonly perDay: number } } | {
  readonly problem: string;
} {
  const text = typed.trim().toLowerCase().replace(/^(?:usd|\$)\s*|\s*(?:usd|\$|dollars?)$/g, "");
  if (text === "none") return { limit: { kind: "none", perDay: 0 } };
  const tokens = /^([\d_,. ]+?)\s*tokens?$/.exec(text)?.[1]?.replace(/[_,. ]/g, "");
  if (tokens !== undefined) {
    const count = Number(tokens);
    return Number.isSafeInteger(count) && count > 0
      ? { limit: { kind: "tokens", perDay: count } }
      : { problem: "Give a number of tokens above 0, such as 1000000 tokens" };
  }
  const amount = amountIn(text);
  if (amount === undefined) {
    return {
      problem: "This is no amount. Write dollars, such as 2.00, or 1000000 tokens, or none",
    };
  }
  if (amount === 0) {
    return { problem: "With 0 the bot would never answer. For no limit, write none" };
  }
  if (amount > MONEY_MAX) return { problem: "The limit can be at most 1,000,000" };
  return { limit: { kind: "money", perDay: amount } };
}

/** Reads two prices of a million tokens: of requests, then of answers. */
export function readPrices(
  typed: string,
): { readonly prices: TokenPrices } | { readonly problem: string } {
  const [input, output, more] = typed.trim().split(/[\s/;]+/).map((part) => amountIn(part));
  if (input === undefined || output === undefined || more !== undefined) {
    return { problem: "Write two prices, such as 0.25 2.00: of requests, then of answers" };
  }
  return { prices: { input, output } };
}

/** An amount with a point or a comma; `undefined` for other texts. */
function amountIn(text: string): number | undefined {
  const plain = text.replace(/^\$/, "");
  return /^\d{1,9}(?:[.,]\d{1,6})?$/.test(plain) ? Number(plain.replace(",", ".")) : undefined;
}

/** Asks for the limit, and for the prices by which money is counted. */
export async function askLimit(state: SetupState, ports: SetupPorts): Promise<SetupState> {
  const { dialogue } = ports;
  const { model } = state;
  if (!model || model === "none") return state;
  const limit = await priced(await askedLimit(ports), model, ports);
  if (limit.kind === "none") dialogue.warn("No limit: the provider's own limits count alone");
  if (limit.kind === "tokens") {
    dialogue.ok(`At most ${limit.perDay.toLocaleString("en")} tokens a day`);
  }
  if (limit.kind === "money") dialogue.ok(`At most $${limit.perDay.toFixed(2)} a day`);
  return { ...state, limit };
}

async function askedLimit({ dialogue, present }: SetupPorts) {
  const answer = await dialogue.text({
    message: "Daily spend limit in dollars",
    fallback: present.limit ?? DEFAULT_MONEY,
    check(text) {
      const read = readLimit(text);
      return "problem" in read ? read.problem : undefined;
    },
  });
  const read = readLimit(answer);
  return "limit" in read ? read.limit : { kind: "none" as const, perDay: 0 };
}

/** Barnacle counts money only for models whose prices it knows; vendors have no API for prices. */
async function priced(
  { kind, perDay }: { readonly kind: LimitAnswer["kind"]; readonly perDay: number },
  { name: model, prices, isPriced = false }: SetupModel,
  { dialogue }: SetupPorts,
): Promise<LimitAnswer> {
  if (kind === "none") return { kind };
  if (kind === "tokens") return { kind, perDay };
  if (prices || isPriced) return { kind: "money", perDay, prices };
  const none = "limit tokens";
  const typed = await dialogue.text({
    message: `Dollars for a million tokens of ${model}: requests, then answers. ` +
      "They are on its vendor's page of prices; Enter limits tokens instead",
    placeholder: "0.25 2.00",
    fallback: none,
    check(text) {
      const read = text === none ? undefined : readPrices(text);
      return read && "problem" in read ? read.problem : undefined;
    },
  });
  const read = readPrices(typed);
  return "prices" in read
    ? { kind: "money", perDay, prices: read.prices }
    : { kind: "tokens", perDay: DEFAULT_TOKENS };
}
