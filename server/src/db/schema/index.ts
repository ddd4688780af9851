export * from './people.ts';
export * from './files.ts';
export * from './knowledge.ts';
export * from './bots.ts';
export * from './contacts.ts';
export * from './conversations.ts';
export * from './path.ts';
export * from './handoffs.ts';
