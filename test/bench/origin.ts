import { createServer } from 'node:http';

/** An origin in a process of its own: takes every body, answers 200 with ten bytes. Prints its port. */
const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
  request.resume();
  request.once('end', () => {
    response.writeHead(200, { 'content-length': '10' });
    response.end('0123456789');
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});
