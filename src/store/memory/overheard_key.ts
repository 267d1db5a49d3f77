/**
 * Names a channel's context by its channel and the account that overheard it. Two accounts in one
 * channel may have different rules for its context.
 *
 * @module
 */
