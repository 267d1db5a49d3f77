/**
 * The part of the config about other programs: a search engine, a collector of traces, MCP servers,
 * and the HTTP server.
 *
 * @module
 */

import type { Secret } from "../schema/parts/secrets.ts";

/** A search engine for the web (T9). */
export interface SearchConfig {
  /** Its API. */
  readonly kind: "searxng" | "brave";
  /** Base address without a slash at its end; the vendor's if absent. */
  readonly url?: string;
  /** Always set for `brave`. */
  readonly apiKey?: Secret;
}

/** A collector of OpenTelemetry. */
export interface OtelConfig {
  /** Address that takes traces. */
  readonly url: string;
  /** Headers of each request. */
  readonly headers: Readonly<Record<string, Secret>>;
}

/** A server of the Model Context Protocol (T6). */
export interface McpServerConfig {
  /** Its name in the config. */
  readonly id: string;
  /** How to reach it. */
  readonly transport:
    | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, Secret>>;
      /** Barnacle's registration for a sign-in; absent: it registers itself. */
      readonly oauth?: McpOAuthConfig;
    }
    | {
      readonly kind: "stdio";
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, Secret>>;
      /** Whether it runs in a sandbox; `auto`: if there is one. */
      readonly sandbox: "auto" | "require" | "off";
      /** Folders that it may write to there, besides its own. */
      readonly writable: readonly string[];
    };
  /** Tools that agents may have, by the server's names; all if absent. */
  readonly allow?: readonly string[];
}

/** Barnacle's registration at the authorization server of an MCP server. */
export interface McpOAuthConfig {
  /** Absent: Barnacle registers itself. */
  readonly clientId?: string;
  /** Secret of the client; absent: it has none. */
  readonly clientSecret?: Secret;
  /** Authorization server that the secret is for. */
  readonly issuer?: string;
  /** Scopes to ask for, with spaces; absent: those that the server names. */
  readonly scope?: string;
  /** Port of this machine for the browser's return; absent: any free one. */
  readonly callbackPort?: number;
}

/** The HTTP server for health checks and metrics. */
export interface HttpConfig {
  /** Addresses to listen on. */
  readonly bind: readonly string[];
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** Whether the bot ends if another program uses a port that the config names. */
  readonly isRequired: boolean;
  /** Bearer token for other machines; always set if `bind` is not loopback only. */
  readonly token?: Secret;
  /** Host names under which other machines may reach the server. */
  readonly hosts: readonly string[];
  /** Public address of this service, requested to keep its host awake (O9). */
  readonly keepAliveUrl?: string;
}
