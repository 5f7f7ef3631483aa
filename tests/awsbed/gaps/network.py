"""Deletion of a VPC's parts in moto's CloudFormation."""

from __future__ import annotations

from typing import Any


def calls() -> dict[type, dict[str, Any]]:
    """Return what to do for each kind of resource."""
    from moto.ec2.models.internet_gateways import InternetGateway
    from moto.ec2.models.route_tables import RouteTable
    from moto.ec2.models.vpcs import VPCEndPoint

    return {
        RouteTable: {"delete": _delete_routes},
        InternetGateway: {"delete": _delete_gateway},
        VPCEndPoint: {"delete": _delete_endpoint},
    }


def _backend(account: str, region: str) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[account][region]


def _delete_routes(name: str, _: dict[str, Any], account: str, region: str) -> None:
    backend = _backend(account, region)
    for association in list(backend.get_route_table(name).associations):
        backend.disassociate_route_table(association)
    backend.delete_route_table(name)


def _delete_gateway(name: str, _: dict[str, Any], account: str, region: str) -> None:
    backend = _backend(account, region)
    gateway = backend.internet_gateways[name]
    if gateway.vpc is not None:
        backend.detach_internet_gateway(name, gateway.vpc.id)
    backend.delete_internet_gateway(name)


def _delete_endpoint(name: str, _: dict[str, Any], account: str, region: str) -> None:
    # moto's own way also deletes a route, of a table that may be gone
    _backend(account, region).vpc_end_points.pop(name)
