#!/usr/bin/env python3
"""Makes the account of a small cluster in moto or LocalStack, and prints its Node objects.

A network with IPv4 and IPv6, in each of three zones a public and a private subnet with the role tags that Landfall
looks for, an internet gateway with its route, the security group of the nodes with the cluster tag, and an instance
per zone. What is there already (by its Name tag) is kept, so it can be run again, also for more zones.

It needs boto3 and an endpoint in AWS_ENDPOINT_URL: it does not run against AWS itself.
"""

import argparse
import ipaddress
import json
import os
import sys
from urllib.parse import urlsplit

import boto3

NETWORK = ipaddress.ip_network("10.20.0.0/16")
LOCAL = ("127.0.0.1", "::1", "localhost", "localhost.localstack.cloud", "localstack")


class Seed:
    """The account of one cluster. Every method finds what it makes if it was made before."""

    def __init__(self, ec2, cluster):
        self.ec2 = ec2
        self.cluster = cluster

    def tags(self, kind, name, **more):
        every = {"Name": f"{self.cluster}-{name}", f"kubernetes.io/cluster/{self.cluster}": "owned", **more}
        return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in every.items()]}]

    def named(self, name, **more):
        wanted = {"tag:Name": f"{self.cluster}-{name}", **more}
        return [{"Name": key, "Values": [value]} for key, value in wanted.items()]

    def network(self):
        found = self.ec2.describe_vpcs(Filters=self.named("network"))["Vpcs"]
        if not found:
            made = self.ec2.create_vpc(
                CidrBlock=str(NETWORK),
                AmazonProvidedIpv6CidrBlock=True,
                TagSpecifications=self.tags("vpc", "network"),
            )
            # The answer to the creation does not have the IPv6 range yet.
            found = self.ec2.describe_vpcs(VpcIds=[made["Vpc"]["VpcId"]])["Vpcs"]
        return found[0]

    def subnet(self, vpc, zone, place, kind, role):
        name = f"{kind}-{zone}"
        found = self.ec2.describe_subnets(Filters=self.named(name))["Subnets"]
        if found:
            return found[0]["SubnetId"]
        ranges = {"CidrBlock": str(list(NETWORK.subnets(new_prefix=20))[place])}
        for association in vpc.get("Ipv6CidrBlockAssociationSet", []):
            wide = ipaddress.ip_network(association["Ipv6CidrBlock"])
            ranges["Ipv6CidrBlock"] = str(list(wide.subnets(new_prefix=64))[place])
        made = self.ec2.create_subnet(
            VpcId=vpc["VpcId"],
            AvailabilityZone=zone,
            TagSpecifications=self.tags("subnet", name, **{f"kubernetes.io/role/{role}": "1"}),
            **ranges,
        )
        return made["Subnet"]["SubnetId"]

    def way_out(self, vpc, subnets):
        if self.ec2.describe_internet_gateways(Filters=self.named("gateway"))["InternetGateways"]:
            return
        gateway = self.ec2.create_internet_gateway(TagSpecifications=self.tags("internet-gateway", "gateway"))
        gateway = gateway["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        table = self.ec2.create_route_table(VpcId=vpc, TagSpecifications=self.tags("route-table", "public"))
        table = table["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        for subnet in subnets:
            self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)

    def security_group(self, vpc):
        found = self.ec2.describe_security_groups(Filters=self.named("nodes"))["SecurityGroups"]
        if found:
            return found[0]["GroupId"]
        return self.ec2.create_security_group(
            GroupName=f"{self.cluster}-nodes",
            Description=f"Nodes of {self.cluster}",
            VpcId=vpc,
            TagSpecifications=self.tags("security-group", "nodes"),
        )["GroupId"]

    def image(self):
        """Any: nothing boots."""
        images = self.ec2.describe_images()["Images"]
        return images[0]["ImageId"] if images else self.ec2.register_image(Name=f"{self.cluster}-image")["ImageId"]

    def instance(self, zone, subnet, group, image):
        name = f"node-{zone}"
        running = self.named(name, **{"instance-state-name": "running"})
        found = self.ec2.describe_instances(Filters=running)["Reservations"]
        if not found:
            made = self.ec2.run_instances(
                ImageId=image,
                InstanceType="t3.small",
                MinCount=1,
                MaxCount=1,
                SubnetId=subnet,
                SecurityGroupIds=[group],
                TagSpecifications=self.tags("instance", name),
            )
            found = [made]
        return found[0]["Instances"][0]

    def run(self, zones):
        """Makes everything; returns the Node objects and what was made."""
        names = [zone["ZoneName"] for zone in self.ec2.describe_availability_zones()["AvailabilityZones"]][:zones]
        if len(names) < zones:
            sys.exit(f"seed: --zones: {zones}: the region has {len(names)}")
        vpc = self.network()
        public = [self.subnet(vpc, zone, place, "public", "elb") for place, zone in enumerate(names)]
        private = [self.subnet(vpc, zone, 8 + place, "private", "internal-elb") for place, zone in enumerate(names)]
        self.way_out(vpc["VpcId"], public)
        group = self.security_group(vpc["VpcId"])
        image = self.image()
        instances = [self.instance(zone, subnet, group, image) for zone, subnet in zip(names, private)]
        made = {"vpc": vpc["VpcId"], "public subnets": public, "private subnets": private, "node group": group}
        return [node(one) for one in instances], made


def node(instance):
    """The Node object of an instance, as a kubelet with a cloud provider would register it."""
    zone, address = instance["Placement"]["AvailabilityZone"], instance["PrivateIpAddress"]
    name = instance["PrivateDnsName"]
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": f"aws:///{zone}/{instance['InstanceId']}"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }


def endpoint():
    """The endpoint, if it is a local one."""
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(url).hostname not in LOCAL:
        sys.exit(
            f"seed: AWS_ENDPOINT_URL: {url!r}: must be a moto or LocalStack on this machine, such as "
            "http://127.0.0.1:4566"
        )
    return url


def main():
    parser = argparse.ArgumentParser(description="Seeds moto or LocalStack; prints Node objects (JSON) for kubectl.")
    parser.add_argument("--cluster", default="landfall", help="name in the tags kubernetes.io/cluster/NAME")
    parser.add_argument("--zones", type=int, choices=range(1, 9), default=3, help="zones to use")
    options = parser.parse_args()
    ec2 = boto3.client(
        "ec2",
        endpoint_url=endpoint(),
        region_name=os.environ.get("AWS_REGION", "us-east-1"),
        # Both accept any; real ones are not sent there.
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    nodes, made = Seed(ec2, options.cluster).run(options.zones)
    for what, ids in made.items():
        print(f"{what}: {ids if isinstance(ids, str) else ' '.join(ids)}", file=sys.stderr)
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}, indent=2))


if __name__ == "__main__":
    main()
