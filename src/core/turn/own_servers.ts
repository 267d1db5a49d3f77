/** Declares the servers at which each person signs in with their own account (T13a). */

import type { UserId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import type { McpLoginState } from "../people/mcp_login.ts";
import type { Tool } from "./tool.ts";

export interface OwnServers {
  /**
   * Takes the message of a turn to a turn of its sender alone. Its words are for the model.
   *
   * @throws {Error} If that is not possible; as a rejection.
   */
  ask(message: InboundMessage): Promise<string>;
  /** Prepares the tools of a turn with {@link InboundMessage.own}. Never rejects. */
  ready(message: InboundMessage): Promise<void>;
  tools(message: InboundMessage): readonly Tool[];
  states(userId: UserId): readonly McpLoginState[];
  end(userId: UserId, server: string): boolean;
}

/** The servers, whose code is loaded at their first use. */
export interface OwnPart {
  isOn(): boolean;
  load(): Promise<OwnServers>;
  now(): OwnServers | undefined;
}
