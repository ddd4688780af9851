import type { Http } from './types.ts';

/** A route that declares 201 makes something: its answers say so, without each handler setting the status. */
export const answerCreated = (http: Http): void => {
  http.addHook('preHandler', async (request, reply) => {
    if ('201' in Object(request.routeOptions.schema?.response)) reply.code(201);
  });
};
