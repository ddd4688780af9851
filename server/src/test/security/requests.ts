export const fileForm = (name: string, bytes: string | Buffer, type = 'text/plain'): FormData => {
  const form = new FormData();
  form.append('file', new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], { type }), name);
  return form;
};

/** As `Call`, for a visitor. */
export async function asVisitor<T>(
  url: string,
  visitorToken: string,
  method: string,
  path: string,
  body?: FormData,
): Promise<{ status: number; data: T; response: Response }> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Visitor ${visitorToken}` },
    ...(body ? { body } : {}),
  });
  const text = await response.clone().text();
  const { data } = (text.startsWith('{') ? JSON.parse(text) : {}) as { data: T };
  return { status: response.status, data, response };
}
