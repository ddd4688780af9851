/**
 * Tables that carry a workspace and yet stay in the shared database wherever the workspace lives: people, and what is
 * read before a workspace is known. Every other table with a `workspace_id` goes with its workspace.
 */
export const CONTROL_TABLES: readonly string[] = ['memberships', 'invitations', 'api_keys'];
