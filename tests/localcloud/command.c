#include "tests/localcloud/command.h"

#include "tests/localcloud/auth.h"
#include "tests/localcloud/json_util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_token(const struct server *server, char **path, struct error *err)
{
	json_t *issued = auth_issue(server->auth);
	const char *token = ju_string(issued, "access_token", "");
	ssize_t n = (ssize_t)strlen(token), written = -1;
	char *relative, *absolute;
	int fd;

	if (asprintf(&relative, "%s/token", server->dir) < 0) {
		json_decref(issued);
		return error_set(err, ERR_OS, "out of memory");
	}
	fd = open(relative, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		written = write(fd, token, (size_t)n);
		close(fd);
	}
	json_decref(issued);
	/* COMMAND may change its directory. */
	absolute = written == n ? realpath(relative, NULL) : NULL;
	*path = absolute;
	if (!absolute)
		error_set_errno(err, ERR_OS, "cannot write %s", relative);
	free(relative);
	return absolute ? 0 : -1;
}

static void set_url(const char *name, const char *url, const char *path)
{
	char value[128];

	snprintf(value, sizeof(value), "%s%s", url, path);
	setenv(name, value, 1);
}

static int child(char **argv, const struct server *server, const char *token)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	set_url("BIGQUERY_EMULATOR_HOST", server->url, "");
	set_url("STORAGE_EMULATOR_HOST", server->url, "");
	set_url("DATATRANSFER_EMULATOR_HOST", server->url, "");
	set_url("CLOUDSDK_API_ENDPOINT_OVERRIDES_BIGQUERY", server->url, "/");
	set_url("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE", server->url, "/storage/v1/");
	/* Another Pub/Sub may serve, which notifications go to as well. */
	if (!getenv("PUBSUB_EMULATOR_HOST")) {
		setenv("PUBSUB_EMULATOR_HOST", server->url + strlen("http://"), 1);
		set_url("CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB", server->url, "/");
	}
	setenv("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", token, 1);
	setenv("GOOGLE_CLOUD_PROJECT", server->project, 0);
	setenv("CLOUDSDK_CORE_PROJECT", server->project, 0);
	execvp(argv[0], argv);
	return errno == ENOENT ? 127 : 126;
}

int command_run(char **argv, const struct server *server, struct error *err)
{
	char *token = NULL;
	pid_t pid;
	int status;

	if (write_token(server, &token, err))
		return -1;
	pid = fork();
	if (pid == 0)
		_exit(child(argv, server, token));
	free(token);
	if (pid < 0)
		return error_set_errno(err, ERR_OS, "fork");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, ERR_OS, "waitpid");
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}
