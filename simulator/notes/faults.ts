/**
 * What goes wrong at Discord, on demand.
 *
 * Switches for the gateway and rules for REST. They only say what shall happen;
 * the gateway and the REST edge do it, each where its sockets are.
 *
 * @module
 */

/** What the gateway does wrong for as long as it is set; change the fields at any time. */
export interface GatewaySwitches {
  /** New connections: reset, accepted and never answered, or refused with an HTTP status. */
  welcome: "accept" | "reset" | "ignore" | { readonly status: number };
  /** How many connections `welcome` still holds for; then it is "accept" again. */
  welcomeTimes: number;
  /** Heartbeats are not acknowledged. */
  swallowAcks: boolean;
  /** HELLO is not sent. */
  swallowHello: boolean;
  /** IDENTIFY and RESUME are not answered. */
  swallowReady: boolean;
  /** Milliseconds by which everything sent is late. */
  delayMs: number;
  /** Close codes for the next IDENTIFYs, in order. */
  closeOnIdentify: number[];
  /** How many of the next IDENTIFYs get an invalid session (op 9, `false`). */
  invalidIdentifies: number;
  /** What op 9 says to the next RESUMEs, in order; with `false` their sessions are gone. */
  invalidResumes: boolean[];
  /** Whether a close of the client's with this code ends its session; 1006 where it just went. */
  endsSessionOnClose: (code: number) => boolean;
  /**
   * Whether a session forgets what its client has named in a heartbeat or a RESUME, and is resumed
   * without it all the same.
   */
  forgetsNamed: boolean;
  /** The gateway's address as REST and READY name it, in place of the true one. */
  address: string | undefined;
  /** How many shards `/gateway/bot` recommends. */
  recommendedShards: number;
  /** Ids of guilds that have an outage: no GUILD_CREATE, and nothing of what happens there. */
  readonly unavailableGuilds: Set<string>;
}

export function createGatewaySwitches(): GatewaySwitches {
  return {
    welcome: "accept",
    welcomeTimes: Infinity,
    swallowAcks: false,
    swallowHello: false,
    swallowReady: false,
    delayMs: 0,
    closeOnIdentify: [],
    invalidIdentifies: 0,
    invalidResumes: [],
    endsSessionOnClose: (code) => code === 1000 || code === 1001,
    forgetsNamed: false,
    address: undefined,
    recommendedShards: 1,
    unavailableGuilds: new Set(),
  };
}

/**
 * What REST does wrong with one request.
 *
 * - `status`: an error in JSON, such as 503, instead of doing it.
 * - `html`: a proxy's page with that status, instead of doing it.
 * - `rate_limit`: a 429 as if by Discord; `cloudflare` is one without Discord's headers.
 * - `delay`: done, after a while.
 * - `hang`: neither done nor answered. `swallow`: done, and not answered.
 * - `reset`: not done, connection reset. `reset_after`: done, connection reset.
 * - `slow_body`: done, answered byte by byte. `cut_body`: done, the answer ends in its middle.
 * - `garbage`: done, answered with 200 and what is not JSON.
 */
export type RestFault =
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "html"; readonly status: number }
  | {
    readonly kind: "rate_limit";
    readonly retryAfterSec: number;
    readonly scope: "user" | "global" | "shared";
  }
  | { readonly kind: "cloudflare"; readonly retryAfterSec: number }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "slow_body"; readonly bytesPerSec: number }
  | {
    readonly kind: "hang" | "swallow" | "reset" | "reset_after" | "cut_body" | "garbage";
  };

/** Which requests a fault hits. */
export interface RestFaultRule {
  /** Any method, where absent. */
  readonly method?: string;
  /** A route as in the request log, `"/channels/:id/messages"`; any, where absent. */
  readonly route?: string;
  /** How many requests; without end, where absent. */
  readonly times?: number;
  readonly fault: RestFault;
}

export interface RestFaults {
  /** Adds a rule; the first that fits a request hits it. */
  add(rule: RestFaultRule): { hits(): number; remove(): void };
  /** The fault for a request, counted as a hit. */
  take(method: string, route: string): RestFault | undefined;
  clear(): void;
}

export function createRestFaults(): RestFaults {
  let rules: { readonly rule: RestFaultRule; hits: number }[] = [];
  return {
    add(rule) {
      const entry = { rule, hits: 0 };
      rules.push(entry);
      return {
        hits: () => entry.hits,
        remove: () => {
          rules = rules.filter((other) => other !== entry);
        },
      };
    },
    take(method, route) {
      const entry = rules.find(({ rule, hits }) =>
        (rule.method === undefined || rule.method === method) &&
        (rule.route === undefined || rule.route === route) &&
        hits < (rule.times ?? Infinity)
      );
      if (!entry) return undefined;
      entry.hits += 1;
      return entry.rule.fault;
    },
    clear() {
      rules = [];
    },
  };
}
