export default {
  files: ['test/{integration,e2e}/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '5m',
};
