/** Marks the requests that Barnacle itself sends to addresses of the config. */

/**
 * The header of Barnacle's own requests to addresses of the config, such as those of alerts. A
 * hook refuses a request with it: otherwise an alert about a hook could cause another one for ever.
 */
export const HOP_HEADER = "x-barnacle-hop";
