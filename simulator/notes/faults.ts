/**
 * Describes the faults of the simulated Discord.
 *
 * These are switches for the gateway and rules for REST. The gateway and the REST server carry them
 * out, each with its own sockets.
 */

/** Faults of the gateway while they are set; a test may change the fields at any time. */
export interface GatewaySwitches {
  /** New connections: reset, or accepted and never answered. */
  welcome: "accept" | "reset" | "ignore";
  /** Number of connections for which `welcome` still holds; then it is "accept" again. */
  welcomeTimes: number;
  /** Heartbeats are not acknowledged. */
  swallowAcks: boolean;
  /** HELLO is not sent. */
  swallowHello: boolean;
  /** Close codes for the next IDENTIFYs, in order. */
  closeOnIdentify: number[];
  /**
   * Whether a session forgets all that its client has acknowledged in a heartbeat or a RESUME, and
   * still resumes.
   */
  forgetsNamed: boolean;
  /** Ids of guilds with an outage: no GUILD_CREATE, and no events. */
  readonly unavailableGuilds: Set<string>;
}

export function createGatewaySwitches(): GatewaySwitches {
  return {
    welcome: "accept",
    welcomeTimes: Infinity,
    swallowAcks: false,
    swallowHello: false,
    closeOnIdentify: [],
    forgetsNamed: false,
    unavailableGuilds: new Set(),
  };
}

/**
 * The fault of one REST request.
 *
 * - `status`: an error in JSON, such as 503; not carried out.
 * - `html`: a proxy's page with that status; not carried out.
 * - `rate_limit`: a 429 as if by Discord; `cloudflare` is one without Discord's headers.
 * - `delay`: carried out, after a while.
 * - `hang`: neither carried out nor answered. `swallow`: carried out, and not answered.
 * - `reset`: not carried out, connection reset. `reset_after`: carried out, connection reset.
 * - `cut_body`: carried out, the answer breaks off.
 * - `garbage`: carried out, answered with 200 and a body that is not JSON.
 * - `reform`: carried out, answered with a changed body.
 */
export type RestFault =
  | {
    readonly kind: "status";
    readonly status: number;
    /** Discord's error code; 0 if absent. */
    readonly code?: number;
    /** The refused fields. */
    readonly errors?: object;
  }
  | { readonly kind: "reform"; readonly change: (body: string) => string }
  | { readonly kind: "html"; readonly status: number }
  | {
    readonly kind: "rate_limit";
    readonly retryAfterSec: number;
    readonly scope: "user" | "global" | "shared";
  }
  | { readonly kind: "cloudflare"; readonly retryAfterSec: number }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "hang" | "swallow" | "reset" | "reset_after" | "cut_body" | "garbage" };

/** The requests that a fault applies to. */
export interface RestFaultRule {
  /** Any method, if absent. */
  readonly method?: string;
  /** A route from the request log, `"/channels/:id/messages"`; any, if absent. */
  readonly route?: string;
  /** The end of the request's path, `"/channels/1/messages"`; any, if absent. */
  readonly path?: string;
  /** Number of requests; unlimited, if absent. */
  readonly times?: number;
  readonly fault: RestFault;
}

export interface RestFaults {
  /** Adds a rule; the first matching rule applies to a request. */
  add(rule: RestFaultRule): { hits(): number; remove(): void };
  /** The fault for a request, counted as used. */
  take(method: string, route: string, path: string): RestFault | undefined;
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
    take(method, route, path) {
      const entry = rules.find(({ rule, hits }) =>
        (rule.method === undefined || rule.method === method) &&
        (rule.route === undefined || rule.route === route) &&
        (rule.path === undefined || path.endsWith(rule.path)) &&
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
