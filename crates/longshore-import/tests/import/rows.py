# Rows of every kind, made by the old system's own models. Run with its Django set up.
import json
import uuid
from datetime import datetime, timedelta, timezone

from container_manager.models import ContainerJob, EnvironmentVariableTemplate, ExecutorHost
from django.contrib.auth.models import User

HAS_QUEUE = hasattr(ContainerJob, "queued_at")
NOON = datetime(2025, 8, 1, 12, 0, 0, 250000, tzinfo=timezone.utc)
LATER = NOON + timedelta(minutes=5)
CONTAINER = "c0ffee" * 10 + "cafe"

local = ExecutorHost.objects.create(name="local", connection_string="unix:///var/run/docker.sock")
ExecutorHost.objects.create(
    name="far", host_type="tcp", connection_string="tcp://10.0.0.9:2376", tls_enabled=True,
    is_active=False, auto_pull_images=False, max_concurrent_jobs=3, weight=7)
cloud = ExecutorHost.objects.create(
    name="cloud", connection_string="cloudrun://project/region", executor_type="cloudrun")
base = EnvironmentVariableTemplate.objects.create(
    name="base", description="for all", environment_variables_text="A=template\nB=template\n=lost\nD = x=y")
anna = User.objects.create_user("anna")


def job(number, queue=None, host=local, **fields):
    if queue and HAS_QUEUE:
        fields.update(queue)
    fields.setdefault("docker_image", "demo-image:1")
    one = ContainerJob(id=uuid.UUID(int=number), docker_host=host, **fields)
    one.save(force_insert=True)
    ContainerJob.objects.filter(pk=one.pk).update(created_at=NOON, updated_at=LATER)


job(1, status="completed", name="nightly", description="every night", exit_code=0,
    queue=dict(queued_at=NOON, launched_at=NOON, priority=80, retry_count=1, max_retries=3,
               retry_strategy="aggressive"),
    command="sh -c 'echo $A'", working_directory="/work", memory_limit=64, cpu_limit=0.5,
    timeout_seconds=90, created_by=anna, environment_template=base,
    override_environment="B=own\n# note\nnothing\nC=3",
    network_configuration=[{"network_name": "app", "aliases": ["api"]}, {"network_name": "db"}],
    execution_id=CONTAINER, started_at=NOON, completed_at=LATER,
    max_memory_usage=1 << 20, cpu_usage_percent=12.5,
    stdout_log="2025-08-01T12:00:01.000000001Z one\n2025-08-01T12:00:03.5Z   three",
    stderr_log="2025-08-01T12:00:02.5Z two: error",
    docker_log="harvested", clean_output="one\nthree")
job(2, status="failed", exit_code=3, execution_id=CONTAINER, started_at=NOON, completed_at=LATER)
job(3, status="failed", docker_log="ERROR: Failed to create container",
    queue=dict(last_error="Failed to create container"))
job(4, status="timeout", exit_code=137, execution_id=CONTAINER, started_at=NOON, completed_at=LATER)
job(5, status="cancelled")
job(6, status="pending", queue=dict(scheduled_for=LATER))
job(7, status="running", execution_id=CONTAINER, started_at=NOON)
job(8, status="running", started_at=NOON)
job(9, status="launching")
job(10, host=cloud, status="completed", exit_code=0)
job(11, docker_image="")
job(12, docker_image="Not An Image")
job(13, name="two\nlines", command="echo 'open", cpu_limit=-5, memory_limit=2, timeout_seconds=0,
    working_directory="work", queue=dict(priority=9999),
    override_environment="=lost\nA=1", network_configuration=[{"network_name": "host"}])
job(14, status="paused")
job(15, status="completed", exit_code=1, execution_id=CONTAINER, started_at=NOON, completed_at=LATER)
if HAS_QUEUE:
    job(16, status="queued")
    job(17, status="queued", queued_at=NOON)
    job(18, status="retrying", queued_at=NOON, last_error="no luck")
